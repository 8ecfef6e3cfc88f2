"""Directional derivatives of definitions, by central differences."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from suite.referee import layers
from suite.referee.definition import Array, Arrays, Call

Function = Callable[[float], Array]

# Variables that no optimizer trains.
NOT_TRAINED = frozenset(
    ("moving_mean", "moving_variance", "moving_stddev", "renorm_mean", "renorm_stddev", "vector_u", "seed_generator_state")
)
# In units of the spread of what moves. The first suits smooth functions: at 2^-8, the terms that the extrapolation leaves
# and the rounding of float64 are both near 1e-12. The smaller ones are tried where a kink lies within the first.
STEPS = (2.0**-6, 2.0**-11, 2.0**-16)
NARROWEST = 1e-4
# Relative to `Directional.scale`: what smooth functions reach at the first step.
ENOUGH = 1e-11
ALIKE = 1e-2  # relative: jumps of the slope at a kink at this very point are alike at every step
ROUGH = 1e-6  # of the largest slope of a term: smooth functions and rounding stay below, three decades at the least


@dataclass(frozen=True, kw_only=True)
class Directional:
    """The derivative of sum(outputs * cotangents) along `directions`.

    `uncertainty`: how far `value` may be off; large where the function has a kink near by (ReLU, maximum), and infinite
    where an output is not finite. `scale`: the sum of the absolute values of the terms that `value` sums: rounding is
    relative to it, because terms may cancel.
    `directions`: the direction of each part, of its shape. `kinks`: how much of the uncertainty comes from kinks at this
    very point.
    """

    value: float
    uncertainty: float
    scale: float
    directions: Arrays
    kinks: float = 0.0


def input_part(index: int) -> str:
    """The name of an input as a part that moves; a weight has its own name."""
    return f"input {index}"


def parts_of(asked: Call) -> tuple[str, ...]:
    """What the outputs are differentiated by: the real inputs, and the real weights that are trained."""
    inputs = [input_part(index) for index, value in enumerate(asked.inputs) if value.dtype.kind == "f"]
    if not asked.config.get("trainable", True):
        return tuple(inputs)
    return (*inputs, *(name for name, value in asked.weights.items() if _trained(name, value)))


def _trained(name: str, value: Array) -> bool:
    return value.dtype.kind == "f" and name.rsplit("/", maxsplit=1)[-1] not in NOT_TRAINED


def directional(asked: Call, cotangents: Sequence[Array], seed: int, parts: Sequence[str] | None = None) -> Directional:
    """The derivative of sum(outputs * cotangents) at this call, along a random direction.

    `cotangents`: one for each output, of its shape, float64. `parts`: what moves, by the names of `parts_of`, which is the
    default. The direction of a part depends on `seed` and on its name only. So the derivative along several parts is the
    sum of the derivatives along each of them. A direction is drawn from a normal distribution that is as wide as the
    part's own values.

    The derivative is (f(h) - f(-h)) / (2 h), extrapolated to h = 0 from h, h / 2 and h / 4 (Richardson 1911: this removes
    the terms in h² and h⁴). `value` starts from half of the step that its counterpart starts from; `uncertainty` is their
    difference, and half of the jump of the derivative at this very point. Of `STEPS`, the one with the least uncertainty
    is taken.

    Raises:
        Undefined: there is no definition of this call.
        ValueError: a cotangent is not of the shape of its output, or there is no such part.
    """
    names = parts_of(asked) if parts is None else tuple(parts)
    directions = {name: direction(_part(asked, name), name, seed) for name in names}
    return derivative(_along(asked, cotangents, directions), directions)


def derivative(function: Function, directions: Arrays) -> Directional:
    """The derivative at 0 of the sum of a function's terms, which depend on how far something has moved along these
    directions; as `directional` computes it."""
    best: Directional | None = None
    here = function(0.0)
    for step in STEPS:
        found = replace(_at(function, here, step), directions=directions)
        best = found if best is None or found.uncertainty < best.uncertainty else best
        if best.uncertainty <= max(ENOUGH * best.scale, 2.0 * found.kinks):  # no smaller step removes a kink at this point
            break
    assert best is not None
    return best


def _part(asked: Call, name: str) -> Array:
    named = {input_part(index): value for index, value in enumerate(asked.inputs)} | dict(asked.weights)
    if name not in named:
        raise ValueError(f"there is no part {name} in this call of {asked.layer}; it has {', '.join(named)}")
    return named[name]


def direction(value: Array, name: str, seed: int) -> Array:
    """As wide as the values themselves; if these are all alike, as their size; if that is 0, as 1. Never narrower than
    `NARROWEST`: a bias that holds rounding would move by less than the outputs resolve."""
    width = float(value.std()) or float(np.abs(value).max(initial=0.0)) or 1.0
    width = max(width, NARROWEST)
    return np.random.default_rng([seed, zlib.crc32(name.encode())]).normal(scale=width, size=value.shape)


def _along(asked: Call, cotangents: Sequence[Array], directions: Mapping[str, Array]) -> Function:
    """The terms of sum(outputs * cotangents) as a function of how far the parts have moved."""
    definition = layers.differentiable(asked)

    def terms(distance: float) -> Array:
        outputs = definition(_moved(asked, directions, distance)).outputs
        return np.concatenate([_weighted(y, cotangent) for y, cotangent in zip(outputs, cotangents, strict=True)])

    return terms


def _weighted(output: Array, cotangent: Array) -> Array:
    if output.shape != cotangent.shape:
        raise ValueError(f"a cotangent has the shape {cotangent.shape}, and its output {output.shape}: give it the same")
    return (output * cotangent).ravel() if output.dtype.kind == "f" else np.zeros(0)


def _moved(asked: Call, directions: Mapping[str, Array], distance: float) -> Call:
    def moved(name: str, value: Array) -> Array:
        return value + distance * directions[name] if name in directions else value

    return replace(
        asked,
        inputs=tuple(moved(input_part(index), value) for index, value in enumerate(asked.inputs)),
        weights={name: moved(name, value) for name, value in asked.weights.items()},
    )


def _at(function: Function, here: Array, step: float) -> Directional:
    """The estimate that starts from this step. `here`: the terms at 0."""
    sides = [(function(width), function(-width), width) for width in (step, step / 2, step / 4, step / 8)]
    slopes = [(right - left) / (2 * width) for right, left, width in sides]
    jumps = [((right - here) + (left - here)) / width for right, left, width in sides]
    values, others = (_to_zero(slopes[start : start + 3]) for start in (1, 0))
    rough = ROUGH * float(np.abs(slopes[-1]).max(initial=0.0))
    here_jumps, before = _jump(jumps[1:]), _jump(jumps[:3])
    stay = (np.abs(here_jumps) > rough) & (np.abs(here_jumps - before) <= ALIKE * np.abs(here_jumps))
    uncertainty = _apart(values - others, rough) + _apart(here_jumps, rough) / 2
    return Directional(
        value=float(values.sum()),
        uncertainty=uncertainty if np.isfinite(uncertainty) else np.inf,
        scale=float(np.abs(slopes[-1]).sum()),
        directions={},
        kinks=float(np.abs(here_jumps[stay]).sum()) / 2,
    )


def _apart(terms: Array, rough: float) -> float:
    """How far the sum of these differences may be from 0. Rounding has both signs and cancels. A term larger than `rough` is
    a kink: a gradient may take either side of each, so that kinks do not cancel."""
    kinks = np.abs(terms) > rough
    return abs(float(terms[~kinks].sum())) + float(np.abs(terms[kinks]).sum())


def _to_zero(slopes: Sequence[Array]) -> Array:
    """What the slopes at h, h/2 and h/4 tend to, up to h⁶: their errors are even powers of h."""
    first, second, third = slopes
    return (first - 20.0 * second + 64.0 * third) / 45.0


def _jump(jumps: Sequence[Array]) -> Array:
    """What the changes of the slope over h, h/2 and h/4 tend to, up to h⁵: 0 where the function is smooth."""
    first, second, third = jumps
    return (first - 10.0 * second + 16.0 * third) / 7.0
