"""Arrays in float64 blocks, and the sums over them that distances are made of. Memory does not grow with a model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

Array = np.ndarray
Arrays = Mapping[str, np.ndarray]
BLOCK = 1 << 13  # elements: float64 blocks stay in the innermost caches, and OpenBLAS starts no threads for so few
TINY = float(np.finfo(np.float64).tiny)


def same_shape(*arrays: Array) -> None:
    if len({array.shape for array in arrays}) > 1:
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise ValueError(f"got arrays of shapes {shapes}, wanted equal shapes: compare tensors of one name only")


def same_names(a: Arrays, *others: Arrays) -> None:
    if alone := sorted({name for other in others for name in a.keys() ^ other.keys()}):
        raise ValueError(f"{alone[0]} is on one side only: the other one has it under another name, or not at all")


def in_blocks(*arrays: Array, exact: bool = False) -> Iterator[tuple[Array, ...]]:
    """Arrays of one shape as flat blocks, row-major, in float64, or as stored where `exact`. Each overwrites the last.

    Raises:
        ValueError: the shapes differ, or float64 cannot hold a dtype's numbers.
    """
    same_shape(*arrays)
    for array in arrays:
        if not exact and not np.can_cast(array.dtype, np.float64, "safe"):
            raise ValueError(f"got an array of {array.dtype}, wanted real numbers that float64 holds: convert it first")
    if arrays[0].size <= BLOCK:  # most arrays of most models: setting up a walk takes longer than measuring them
        if arrays[0].size:
            yield tuple(np.asarray(array, None if exact else np.float64).ravel() for array in arrays)
        return
    walk = np.nditer(
        arrays,
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=[["readonly"]] * len(arrays),
        op_dtypes=[None if exact else np.float64] * len(arrays),
        order="C",
        buffersize=BLOCK,
    )
    for found in walk:
        yield found if isinstance(found, tuple) else (found,)


@np.errstate(over="ignore")
def _norm(x: Array) -> float:
    """‖x‖ of one block; where squares would overflow or vanish, of the block scaled to its largest element."""
    squares = float(np.dot(x, x))
    if 1e-280 < squares < math.inf:
        return math.sqrt(squares)
    largest = float(np.abs(x).max(initial=0.0))
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    x = x / largest
    return largest * math.sqrt(float(np.dot(x, x)))


def peak(blocks: Iterable[Array]) -> float:
    """The largest magnitude; NaN if an element is, 0 without elements."""
    return float(np.fromiter((np.abs(x).max() for x in blocks), np.float64).max(initial=0.0))


def norms_of(blocks: Iterable[tuple[Array, ...]]) -> tuple[float, float, float]:
    """‖a-b‖, ‖a-w0‖ and ‖b-w0‖ over blocks of (a, b, w0), in one pass; w0 = 0 over blocks of (a, b)."""
    apart = first = second = 0.0
    for x, y, *start in blocks:
        apart = math.hypot(apart, _norm(x - y))
        first = math.hypot(first, _norm(x - start[0] if start else x))
        second = math.hypot(second, _norm(y - start[0] if start else y))
    return apart, first, second


def ratio(apart: float, *references: float) -> float:
    """apart / the largest reference, 0 only if apart is (triangle inequality); NaN if a reference is not finite."""
    if not all(map(math.isfinite, references)):
        return math.nan
    return apart / max(references) if apart else 0.0
