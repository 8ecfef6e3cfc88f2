"""Distances of what training moves: weights, slots and losses."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from suite.compare.metrics.blocks import TINY, Array, Arrays, in_blocks, norms_of, ratio, same_names
from suite.compare.metrics.elements import bits


def train(a: Arrays, b: Arrays, start: Arrays) -> float:
    """Share of the distance travelled: ‖a-b‖ / max(‖a-w0‖, ‖b-w0‖), over all tensors together, w0 in `start`.

    At most 2. The larger of both journeys makes it symmetric, and defined wherever the sides differ: they cannot both
    be at w0 then. 0 if they are equal. The caller leaves out biases that feed only a batch normalization.
    """
    same_names(a, b, start)
    return ratio(*norms_of(block for name in a for block in in_blocks(a[name], b[name], start[name])))


def updates(a: Arrays, b: Arrays, start: Arrays, steps: int) -> float:
    """What the rounding of as many updates can make of `train`, the same in every rerun: ‖min(|a-b|, steps · ε ·
    max(|a|, |b|, |w0|))‖ / max(‖a-w0‖, ‖b-w0‖), where ε is the distance from 1 to the next number of the dtype.

    To store a weight rounds it by at most half a unit in the last place, on either side, and so does its decay.
    """
    same_names(a, b, start)

    def rounded() -> Iterator[tuple[Array, ...]]:
        for name in a:
            unit = float(np.spacing(np.asarray(1.0).astype(a[name].dtype)))
            for x, y, begun in in_blocks(a[name], b[name], start[name]):
                largest = np.maximum(np.maximum(np.abs(x), np.abs(y)), np.abs(begun))
                allowed = steps * unit * largest
                yield x, x + np.clip(y - x, -allowed, allowed), begun

    return ratio(*norms_of(rounded()))


def rms_travelled(a: Arrays, start: Arrays) -> float:
    """Root mean square of a - w0 over all elements of the tensors that both have; 0 without any."""
    names = [name for name in a if name in start]
    count = sum(a[name].size for name in names)
    total, _, _ = norms_of(block for name in names for block in in_blocks(a[name], start[name]))
    return total / math.sqrt(count) if count else 0.0


def tensor(a: Array, b: Array, start: Array, travelled: float) -> float:
    """One tensor of n elements: ‖a-b‖ / max(‖a-w0‖, ‖b-w0‖, 1e-3 · travelled · sqrt(n)).

    `travelled` is the rms over the whole model: a tensor that hardly moved is not judged by its rounding.
    """
    return ratio(*norms_of(in_blocks(a, b, start)), 1e-3 * travelled * math.sqrt(a.size))


def slots(a: Arrays, b: Arrays) -> float:
    """Optimizer variables by name: ‖a-b‖ / max(‖a‖, ‖b‖), the worst kind of slot.

    The kind is the last part of the name (momentum, velocity, ...). Kinds have scales of their own (a square and its
    root), so one sum would hide the smaller; single slots are too noisy, where a gradient is nearly zero.
    """
    same_names(a, b)
    kinds: dict[str, list[str]] = {}
    for name in a:
        kinds.setdefault(name.rpartition("/")[2], []).append(name)
    pairs = ((block for name in names for block in in_blocks(a[name], b[name])) for names in kinds.values())
    return float(np.max([ratio(*norms_of(kind)) for kind in pairs], initial=0.0))


def loss(a: Sequence[float] | Array, b: Sequence[float] | Array) -> float:
    """Losses of the same steps: max over steps of |a-b| / max(|a|, |b|); 0 where both are 0."""
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape:
        raise ValueError(f"got losses of {first.size} and of {second.size} steps, wanted as many: cut the longer")
    larger = np.maximum(np.maximum(np.abs(first), np.abs(second)), TINY)
    return float((np.abs(first - second) / larger).max(initial=0.0))


def evaluation(a: Arrays, b: Arrays) -> float:
    """The loss and metrics by name: max over the loss and every metric of |a-b| / max(|a|, |b|); 0 where both are 0."""
    same_names(a, b)
    return max((loss(a[name], b[name]) for name in a), default=0.0)


def history(a: Arrays, b: Arrays) -> float:
    """What each epoch ended with by name, (epochs,) each: max over epochs, and over the loss and every metric, of |a-b| /
    max(|a|, |b|); 0 where both are 0."""
    return evaluation(a, b)


def compiled(a: Arrays, b: Arrays) -> float:
    """Texts of the arguments of `compile` by name: how many arguments of `compile` are not the same."""
    same_names(a, b)
    return float(sum(not bits(a[name], b[name]) for name in a))
