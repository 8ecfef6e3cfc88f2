"""How far arrays are from what they should be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Array = np.ndarray
Arrays = Mapping[str, Array]

NEGLIGIBLE = 1e-3  # of the largest array in a stage: an array of zeros has no size of its own to be relative to
TINY = 1e-300


def distance(found: Array, expected: Array, size: float = 0.0) -> float:
    """The largest difference of an element, relative to the largest element of `expected`, or to `size` if that is more.

    0 where both are the same infinity, or both NaN; infinite where only one is, or where the shapes differ.
    """
    if found.shape != expected.shape:
        return float("inf")
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    if bool(same.all()):
        return 0.0
    if not np.isfinite(found[~same]).all() or not np.isfinite(expected[~same]).all():
        return float("inf")
    return float(np.abs(found[~same] - expected[~same]).max()) / max(largest(expected), size, TINY)


def largest(array: Array) -> float:
    """The size of the largest finite element; 0 if there is none."""
    finite = np.asarray(array, np.float64)[np.isfinite(array)]
    return float(np.abs(finite).max()) if finite.size else 0.0


def distances(found: Arrays, expected: Arrays) -> dict[str, float]:
    """The distance of each expected array; infinite if there is none of its name. Arrays that nothing is expected of are
    left out."""
    size = NEGLIGIBLE * max((largest(array) for array in expected.values()), default=0.0)
    return {name: distance(found[name], array, size) if name in found else float("inf") for name, array in expected.items()}


def worst(measured: Mapping[str, float]) -> tuple[str, float]:
    """The name and the distance of the array that is farthest off; ("", 0.0) if there is none."""
    return max(measured.items(), key=lambda item: item[1], default=("", 0.0))
