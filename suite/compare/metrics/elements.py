"""Distances of two arrays, element by element."""

from __future__ import annotations

import numpy as np

from suite.compare.metrics.blocks import BLOCK, Array, Arrays, in_blocks, norms_of, peak, ratio, same_names

HISTOGRAM_BINS = 64  # a unit of float64 is 2^-52 of the largest element: nothing finite that is compared is farther apart


def bits(a: Array, b: Array) -> bool:
    """Whether shape, dtype and every byte are equal: -0.0 is not 0.0, and NaN equals only the same NaN."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    pairs = ([np.ascontiguousarray(x).view(np.uint8) for x in block] for block in in_blocks(a, b, exact=True))
    return all(np.array_equal(x, y) for x, y in pairs)


def finite(a: Array) -> bool:
    """Whether no element is NaN or infinite."""
    if a.dtype.kind in "biu":
        return True
    return bool(np.isfinite(a).all()) if a.size <= BLOCK else all(bool(np.isfinite(x).all()) for (x,) in in_blocks(a))


def relative_l2(a: Array, b: Array) -> float:
    """Arrays of one shape: ‖a-b‖ / max(‖a‖, ‖b‖), at most 2; 0 if both are 0."""
    return ratio(*norms_of(in_blocks(a, b)))


values = relative_l2


def state(a: Arrays, b: Arrays) -> float:
    """Variables by name that are neither trained nor moving statistics: ‖a-b‖ / max(‖a‖, ‖b‖), the worst variable; of
    integers 0 or 1.

    Integers (random seeds, counters) are equal or not: a counter of 5 beside a seed of 4e8 is no small difference.
    """
    same_names(a, b)
    return float(np.max([_of_variable(a[name], b[name]) for name in a], initial=0.0))


def _of_variable(a: Array, b: Array) -> float:
    if a.dtype.kind in "iub" and b.dtype.kind in "iub":
        return float(not np.array_equal(a, b))
    return relative_l2(a, b)


def max_abs(a: Array, b: Array) -> float:
    """Arrays of one shape: max |a-b|; 0 for empty arrays."""
    return peak(x - y for x, y in in_blocks(a, b))


def ulp(a: Array, b: Array) -> float:
    """Arrays of one shape: max |a-b| in units in the last place of the tensor's largest element, of either side.

    Units of the arrays' own dtype, of the coarser if they differ; integers count as float64. In units of each element,
    rounding near 0 would look enormous.
    """
    return max_abs(a, b) / max(_unit(a), _unit(b))


def ulp_histogram(a: Array, b: Array) -> tuple[int, ...]:
    """Arrays of one shape: how many elements differ by how many units, as `ulp` counts them, in powers of two.

    [0] exactly equal, [1] by less than one unit, [k] by 2^(k-2) up to 2^(k-1) units; farther ones are in the last bin.
    """
    unit = max(_unit(a), _unit(b))
    counts = np.zeros(HISTOGRAM_BINS, np.int64)
    for x, y in in_blocks(a, b):
        apart = np.abs(x - y)
        equal = apart == 0
        bins = np.clip(np.floor(np.log2(apart[~equal] / unit)) + 2, 1, HISTOGRAM_BINS - 1).astype(np.int64)
        counts[0] += int(equal.sum())
        counts += np.bincount(bins, minlength=HISTOGRAM_BINS)
    return tuple(int(count) for count in counts)


def _unit(a: Array) -> float:
    largest = peak(x for (x,) in in_blocks(a))
    return float(np.spacing(np.asarray(largest).astype(np.float64 if a.dtype.kind in "biu" else a.dtype)))
