"""Distances: one function each, float64 arithmetic after exact upcast, in blocks so that memory does not grow with a model.

Arrays may be memory-mapped. A distance of 0 means equal; every distance of finite inputs is finite. Where a formula needs
a reference, both sides give one and the larger is taken, so that distance(a, b) == distance(b, a).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from suite.records import BatchNorm

Array = np.ndarray
Arrays = Mapping[str, np.ndarray]

BLOCK = 1 << 16  # elements: three float64 blocks stay in a second-level cache
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """`judged` metrics decide verdicts; `floor` is the least envelope: what equal semantics were measured to differ by."""

    formula: str
    quantity: str
    judged: bool = False
    floor: float = 0.0


METRICS: Mapping[str, Metric] = {
    "train": Metric(
        formula="‖a-b‖ / max(‖a-w0‖, ‖b-w0‖) over trained weights", quantity="trainable weights", judged=True, floor=2e-6
    ),
    "tensor": Metric(formula="the same for one tensor", quantity="trainable weights"),
    "ulp": Metric(formula="max |a-b| in units in the last place of the tensor's largest element", quantity="trainable weights"),
    "mean": Metric(formula="max |Δμ| / sqrt(V + ε)", quantity="moving statistics", judged=True, floor=1e-7),
    "var": Metric(formula="max |ΔV| / (V + ε)", quantity="moving statistics", judged=True, floor=3e-7),
    "folded": Metric(
        formula="relative L2 of kernels and biases with batch normalization folded in",
        quantity="moving statistics",
        judged=True,
        floor=1e-6,
    ),
    "slots": Metric(formula="‖a-b‖ / max(‖a‖, ‖b‖), the worst kind of slot", quantity="optimizer state", judged=True, floor=1e-6),
    "loss": Metric(formula="max over steps of |a-b| / max(|a|, |b|)", quantity="loss", judged=True, floor=2e-7),
    "pmax": Metric(formula="max |p-q|", quantity="predictions", judged=True, floor=5e-7),
    "tv": Metric(formula="mean over rows of Σ|p-q| / 2", quantity="predictions", judged=True, floor=5e-7),
    "js": Metric(formula="mean over rows of the Jensen-Shannon divergence, nats", quantity="predictions"),
    "churn": Metric(formula="share of rows whose largest class changed", quantity="predictions"),
    "explained": Metric(formula="share of those rows with margin <= 2 max |Δ log p|", quantity="predictions"),
    "values": Metric(formula="‖a-b‖ / max(‖a‖, ‖b‖) of outputs", quantity="predictions", judged=True, floor=1e-6),
    "max_abs": Metric(formula="max |a-b|", quantity="predictions"),
}


def _blocks(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Equal-shaped arrays as flat float64 blocks.

    Raises:
        ValueError: their shapes differ.
    """
    if len({array.shape for array in arrays}) > 1:
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise ValueError(f"got arrays of shapes {shapes}, wanted equal shapes: compare tensors of one name only")
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, BLOCK):
        yield tuple(one[start : start + BLOCK].astype(np.float64) for one in flat)


def bits(a: Array, b: Array) -> bool:
    """Whether shape, dtype and every byte are equal: -0.0 is not 0.0, and NaN equals the same NaN."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    first, second = np.ascontiguousarray(a).reshape(-1).view(np.uint8), np.ascontiguousarray(b).reshape(-1).view(np.uint8)
    step = 8 * BLOCK
    return all(
        np.array_equal(first[start : start + step], second[start : start + step]) for start in range(0, first.size, step)
    )


def finite(a: Array) -> bool:
    """Whether no element is NaN or infinite."""
    flat = a.reshape(-1)
    return a.dtype.kind in "biu" or all(
        bool(np.isfinite(flat[start : start + BLOCK]).all()) for start in range(0, flat.size, BLOCK)
    )


def distance(a: Array, b: Array) -> float:
    """‖a-b‖², the squared L2 distance."""
    return sum(float(np.dot(x - y, x - y)) for x, y in _blocks(a, b))


def square(a: Array) -> float:
    """‖a‖²."""
    return sum(float(np.dot(x, x)) for (x,) in _blocks(a))


def _ratio(numerator: float, denominator: float, instead: float = 1.0) -> float:
    """numerator / denominator; relative to `instead` where there is nothing to be relative to."""
    if numerator == 0.0:
        return 0.0
    return numerator / (denominator if denominator > 0.0 else max(instead, TINY))


def train(a: Arrays, b: Arrays, start: Arrays) -> float:
    """Share of the distance travelled: ‖a-b‖ / max(‖a-w0‖, ‖b-w0‖) over all given tensors together.

    If neither side moved, relative to ‖w0‖.
    """
    apart = sum(distance(a[name], b[name]) for name in a)
    moved = max(sum(distance(side[name], start[name]) for name in a) for side in (a, b))
    begun = sum(square(start[name]) for name in a)
    return _ratio(apart**0.5, moved**0.5, begun**0.5)


def rms_travelled(a: Arrays, start: Arrays) -> float:
    """Root mean square of a - w0 over all elements of the tensors that both have."""
    names = [name for name in a if name in start]
    count = sum(a[name].size for name in names)
    return (sum(distance(a[name], start[name]) for name in names) / count) ** 0.5 if count else 0.0


def tensor(a: Array, b: Array, start: Array, travelled: float) -> float:
    """‖a-b‖ / max(‖a-w0‖, ‖b-w0‖, 1e-3 · travelled · sqrt(n)); `travelled` is the rms over the whole model."""
    moved = max(distance(a, start), distance(b, start)) ** 0.5
    return _ratio(distance(a, b) ** 0.5, max(moved, 1e-3 * travelled * a.size**0.5))


def relative_l2(a: Array, b: Array) -> float:
    """‖a-b‖ / max(‖a‖, ‖b‖); 0 if both are 0."""
    return _ratio(distance(a, b) ** 0.5, max(square(a), square(b)) ** 0.5)


values = relative_l2


def slots(a: Arrays, b: Arrays) -> float:
    """Optimizer variables by name, in kinds (the last part of the name: momentum, velocity, ...): the worst kind's relative L2.

    Kinds have scales of their own (a square and its root), so one sum would hide the smaller; single slots are too noisy,
    where a gradient is nearly zero.
    """
    kinds: dict[str, list[str]] = {}
    for name in a:
        kinds.setdefault(name.rpartition("/")[2], []).append(name)
    worst = 0.0
    for names in kinds.values():
        apart = sum(distance(a[name], b[name]) for name in names)
        size = max(sum(square(side[name]) for name in names) for side in (a, b))
        worst = max(worst, _ratio(apart**0.5, size**0.5))
    return worst


def max_abs(a: Array, b: Array) -> float:
    """max |a-b|; 0 for empty arrays."""
    return max((float(np.abs(x - y).max()) for x, y in _blocks(a, b)), default=0.0)


def ulp(a: Array, b: Array) -> float:
    """max |a-b| in units in the last place (of a's dtype) of the largest element of either; integers count as float64."""
    largest = max(_peak(a), _peak(b))
    unit = float(np.spacing(np.asarray(largest, a.dtype if a.dtype.kind == "f" else np.float64)))
    return max_abs(a, b) / unit


def _peak(a: Array) -> float:
    return max((float(np.abs(x).max()) for (x,) in _blocks(a)), default=0.0)


def _deviation(variance: Array, epsilon: float) -> Array:
    """V + ε, with V clipped at 0: a one-pass variance can be negative."""
    positive: Array = np.maximum(variance.astype(np.float64), 0.0) + epsilon
    return positive


def mean(a: Array, b: Array, variance: Array, epsilon: float) -> float:
    """Moving means (channels,): max |Δμ| / sqrt(V + ε), V clipped at 0."""
    apart = np.abs(a.astype(np.float64) - b.astype(np.float64)) / np.sqrt(_deviation(variance, epsilon))
    return float(apart.max(initial=0.0))


def var(a: Array, b: Array, epsilon: float) -> float:
    """Moving variances (channels,): max |ΔV| / (V + ε), V the larger side's, clipped at 0."""
    apart = np.abs(a.astype(np.float64) - b.astype(np.float64)) / _deviation(np.maximum(a, b), epsilon)
    return float(apart.max(initial=0.0))


def folded(a: Arrays, b: Arrays, norms: Iterable[BatchNorm]) -> float:
    """Batch normalization folded into the kernel and bias before it: relative L2 over all of them together.

    s = γ / sqrt(V + ε); kernel · s along its channel axis, and (bias - μ) · s + β. Without a kernel: s and β - μ · s.
    Free of the bias before a batch normalization and of the scale that the two may trade.
    """
    apart, sizes = 0.0, [0.0, 0.0]
    for norm in norms:
        sides = [_fold(side, norm) for side in (a, b)]
        apart += distance(sides[0][1], sides[1][1])
        for index, (_, shift) in enumerate(sides):
            sizes[index] += square(shift)
        if not norm.kernel:
            apart += distance(sides[0][0], sides[1][0])
            for index, (scale, _) in enumerate(sides):
                sizes[index] += square(scale)
            continue
        kernels = [side[norm.kernel].reshape(-1, side[norm.kernel].shape[-1]) for side in (a, b)]
        for start in range(0, len(kernels[0]), rows := max(1, BLOCK // max(1, kernels[0].shape[1]))):
            scaled = [
                kernel[start : start + rows].astype(np.float64) * scale
                for kernel, (scale, _) in zip(kernels, sides, strict=True)
            ]
            apart += float(np.square(scaled[0] - scaled[1]).sum())
            for index, part in enumerate(scaled):
                sizes[index] += float(np.square(part).sum())
    return _ratio(apart**0.5, max(sizes) ** 0.5)


def _fold(side: Arrays, norm: BatchNorm) -> tuple[Array, Array]:
    scale = 1.0 / np.sqrt(np.maximum(_deviation(side[norm.variance], norm.epsilon), TINY))
    if norm.gamma:
        scale = scale * side[norm.gamma].astype(np.float64)
    shift = -side[norm.mean].astype(np.float64) * scale
    if norm.bias:
        shift = shift + side[norm.bias].astype(np.float64) * scale
    return scale, shift + side[norm.beta].astype(np.float64) if norm.beta else shift


def loss(a: Sequence[float] | Array, b: Sequence[float] | Array) -> float:
    """Losses of the same steps: max over steps of |a-b| / max(|a|, |b|); 0 where both are 0."""
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    larger = np.maximum(np.maximum(np.abs(first), np.abs(second)), TINY)
    return float((np.abs(first - second) / larger).max(initial=0.0))


# ---------------------------------------------------------------- predictions: (rows, classes), last axis is the classes


def softmax(logits: Array) -> Array:
    """Probabilities, float64, of logits along the last axis."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    result: Array = powers / powers.sum(axis=-1, keepdims=True)
    return result


def _rows(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    flat = [array.reshape(-1, array.shape[-1]) for array in arrays]
    step = max(1, BLOCK // max(1, flat[0].shape[1]))
    for start in range(0, len(flat[0]), step):
        yield tuple(one[start : start + step].astype(np.float64) for one in flat)


def pmax(p: Array, q: Array) -> float:
    """max |p-q| over rows and classes."""
    return max_abs(p, q)


def tv(p: Array, q: Array) -> float:
    """Mean over rows of the total variation distance Σ|p-q| / 2."""
    count = int(np.prod(p.shape[:-1]))
    return sum(float(np.abs(x - y).sum()) for x, y in _rows(p, q)) / 2 / count if count else 0.0


def js(p: Array, q: Array) -> float:
    """Mean over rows of the Jensen-Shannon divergence, KL(p|m)/2 + KL(q|m)/2 with m = (p+q)/2, in nats; 0 log 0 = 0."""
    count, total = int(np.prod(p.shape[:-1])), 0.0
    for x, y in _rows(p, q):
        middle = np.maximum((x + y) / 2, TINY)
        for side in (x, y):
            total += float((side * np.log(np.maximum(side, TINY) / middle)).sum()) / 2
    return max(0.0, total / count) if count else 0.0


def churn(p: Array, q: Array) -> tuple[float, float]:
    """(share of rows whose largest class changed, share of those with p's margin <= 2 max|Δ log p|).

    The margin is log p of the largest class minus that of the class it changed to. Without changed rows the second is 1.
    """
    changed = explained = rows = 0
    for x, y in _rows(p, q):
        first, second = np.log(np.maximum(x, TINY)), np.log(np.maximum(y, TINY))
        before, after = x.argmax(1), y.argmax(1)
        flipped = np.flatnonzero(before != after)
        margin = first[flipped, before[flipped]] - first[flipped, after[flipped]]
        reach = 2 * np.abs(first[flipped] - second[flipped]).max(axis=1, initial=0.0)
        changed, explained, rows = changed + len(flipped), explained + int((margin <= reach).sum()), rows + len(x)
    return (changed / rows if rows else 0.0), (explained / changed if changed else 1.0)
