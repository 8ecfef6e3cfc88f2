"""How far a recorded case is from the referee's answer, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from suite.artifacts import names
from suite.referee import gradients, layers, losses, optimizers, schedules
from suite.referee.definition import Arrays, Undefined
from suite.zoo import asked
from suite.zoo.asked import below, numbered
from suite.zoo.distances import NEGLIGIBLE, TINY, distances, largest
from suite.zoo.sweep import Recorded

ROUNDOFF = {"float64": 2.0**-53, "float32": 2.0**-24}
SEED = 11  # of the direction along which derivatives are taken


@dataclass(frozen=True, kw_only=True)
class Gap:
    """How far one array is from what it should be. `resolution`: the smallest distance that would have been seen."""

    stage: str
    part: str
    distance: float
    resolution: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Slope:
    """The derivative of the outputs times the cotangents along `directions` (by the names of recorded gradients)."""

    value: float
    uncertainty: float
    scale: float
    directions: Arrays


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the referee answers. `arrays`: by the names of recorded arrays. `without_slope`: why there is no derivative."""

    arrays: Mapping[str, Arrays] = field(default_factory=dict)
    slope: Slope | None = None
    without_slope: str = ""


def expected(recorded: Recorded) -> Expected:
    """What the referee answers to a layer's or a loss's case.

    Raises:
        Undefined: there is no definition.
    """
    return _of_layer(recorded) if recorded.case.kind == "layer" else _of_loss(recorded)


def _of_layer(recorded: Recorded) -> Expected:
    call = asked.call(recorded)
    answer = layers.call(call)
    outputs = {f"{names.OUTPUT}/{place}": array for place, array in enumerate(answer.outputs)}
    kept = {name: call.weights[name] for name in below(recorded.arrays, names.STATE) if name in call.weights}
    state = {f"{names.STATE}/{name}": array for name, array in {**kept, **answer.state}.items()}
    parts = [part for part in gradients.parts_of(call) if _recorded_name(part) in recorded.arrays]
    stages = {"forward": outputs, "state": state}
    if not parts:
        return Expected(arrays=stages, without_slope="nothing that moves")
    found = gradients.directional(call, numbered(recorded.arrays, names.COTANGENT), SEED, parts)
    directions = {_recorded_name(part): direction for part, direction in found.directions.items()}
    slope = Slope(value=found.value, uncertainty=found.uncertainty, scale=found.scale, directions=directions)
    return Expected(arrays=stages, slope=slope)


def _recorded_name(part: str) -> str:
    """The name of the recorded gradient by a part, as `gradients.parts_of` names it."""
    kind, _, place = part.partition(" ")
    own = f"{names.INPUT}/{place}" if kind == "input" and place else f"{names.WEIGHT}/{part}"
    return f"{names.GRADIENT}/{own}"


def _of_loss(recorded: Recorded) -> Expected:
    call = asked.loss_call(recorded)
    stages = {"forward": {f"{names.OUTPUT}/0": np.asarray(losses.loss(call))}}
    direction = np.random.default_rng(SEED).normal(size=call.y_pred.shape) * max(float(call.y_pred.std()), 1e-3)
    cotangent = numbered(recorded.arrays, names.COTANGENT)[0]
    try:
        terms = np.asarray(losses.gradient_along(call, direction)) * cotangent
    except Undefined as error:
        return Expected(arrays=stages, without_slope=str(error))
    scale = float(np.abs(terms).sum())
    directions = {f"{names.GRADIENT}/{names.INPUT}/1": direction}
    slope = Slope(value=float(terms.sum()), uncertainty=1e-8 * scale, scale=scale, directions=directions)
    return Expected(arrays=stages, slope=slope)


def gaps(recorded: Recorded, answer: Expected) -> Iterator[Gap]:
    """The gap of each array of a layer's or a loss's case, and that of its gradient along the referee's direction."""
    for stage, arrays in answer.arrays.items():
        yield from (Gap(stage=stage, part=part, distance=far) for part, far in distances(recorded.arrays, arrays).items())
        unexpected = [name for name in below(recorded.arrays, names.OUTPUT) if f"{names.OUTPUT}/{name}" not in arrays]
        if stage == "forward" and unexpected:
            yield Gap(stage=stage, part=f"{names.OUTPUT}/{unexpected[0]}", distance=float("inf"))
    if answer.slope is not None and not recorded.reading.without_gradient:
        yield along(recorded.arrays, answer.slope)


def natural_scale(arrays: Arrays) -> float:
    """What the sum of outputs times cotangents changes by when all inputs move by as much as they are wide, for a layer
    that is neither steep nor flat: the sum of the absolute values of its terms."""
    cotangents = below(arrays, names.COTANGENT)
    return float(
        sum(
            np.abs(np.nan_to_num(array * cotangents[place])).sum()
            for place, array in below(arrays, names.OUTPUT).items()
            if place in cotangents
        )
    )


def steepness(recorded: Recorded) -> float:
    """The size of a gradient of this case's inputs if it is neither steep nor flat."""
    inputs = [largest(array) for array in numbered(recorded.arrays, names.INPUT)]
    return natural_scale(recorded.arrays) / max(*inputs, TINY, TINY)


def along(arrays: Arrays, slope: Slope) -> Gap:
    """The gap between the recorded gradients along the slope's directions and its value, relative to its scale; where the
    layer is flat, relative to a thousandth of its natural scale."""
    products = [np.sum(asked.double(arrays[name]) * direction) for name, direction in slope.directions.items()]
    found = float(np.sum(products))
    scale = max(slope.scale, NEGLIGIBLE * natural_scale(arrays), TINY)
    far = abs(found - slope.value) / scale if np.isfinite(found) else float("inf")
    part = next(iter(slope.directions)) if len(slope.directions) == 1 else names.GRADIENT
    return Gap(stage="gradient", part=part, distance=far, resolution=slope.uncertainty / scale)


def by_part(recorded: Recorded) -> Iterator[Gap]:
    """The gap of the gradient by each input and each weight of a layer alone: says which one is off."""
    call = asked.call(recorded)
    cotangents = numbered(recorded.arrays, names.COTANGENT)
    for part in gradients.parts_of(call):
        name = _recorded_name(part)
        if name in recorded.arrays:
            found = gradients.directional(call, cotangents, SEED, [part])
            slope = Slope(
                value=found.value,
                uncertainty=found.uncertainty,
                scale=found.scale,
                directions={name: found.directions[part]},
            )
            yield along(recorded.arrays, slope)


def update_gaps(recorded: Recorded) -> Iterator[Gap]:
    """The gaps of every update of an optimizer, each from the state that the backend itself had before it: so they do not
    add up. Variables are measured by how far the update moves them.

    Raises:
        Undefined: there is no definition.
    """
    for number, rate in enumerate(recorded.reading.rates):
        call = asked.update(recorded, number)
        yield from _schedule_gap(call.config, number, rate)
        answer = optimizers.update(call)
        moved = below(recorded.arrays, str(number), names.AFTER, names.VARIABLE)
        yield from _update_gaps(number, call.variables, moved, answer.variables, ROUNDOFF[recorded.precision])
        slots = below(recorded.arrays, str(number), names.AFTER, names.SLOT)
        shared = {name: np.asarray(array) for name, array in answer.slots.items() if name in slots}
        yield from (
            Gap(stage="slots", part=f"{number}/{names.SLOT}/{name}", distance=far)
            for name, far in distances(slots, shared).items()
        )


def _schedule_gap(config: Mapping[str, object], number: int, rate: float) -> Iterator[Gap]:
    schedule = config.get("learning_rate")
    if isinstance(schedule, Mapping):
        wanted = schedules.learning_rate(schedule, number)
        far = abs(rate - wanted) / max(abs(wanted), 1e-6)
        yield Gap(stage="schedule", part=f"{number}/learning_rate", distance=far)


def _update_gaps(number: int, before: Arrays, moved: Arrays, wanted: Arrays, roundoff: float) -> Iterator[Gap]:
    for name, value in wanted.items():
        step, expected_step = moved[name] - before[name], np.asarray(value) - before[name]
        far = distances({name: step}, {name: expected_step})[name]
        lost = roundoff * largest(before[name]) / max(largest(expected_step), TINY)
        yield Gap(stage="update", part=f"{number}/{names.VARIABLE}/{name}", distance=far, resolution=lost)


def apart(recorded: Sequence[Recorded], kind: str) -> dict[str, dict[str, float]]:
    """For each environment and each recorded array whose name begins with `kind`: the distance from the nearest other
    environment. Empty if there are not at least two environments."""
    arrays = {one.environment: {name: one.arrays[name] for name in one.arrays if name.startswith(kind)} for one in recorded}
    found: dict[str, dict[str, float]] = {}
    for environment, own in arrays.items():
        others = [distances(own, other) for name, other in arrays.items() if name != environment]
        if others:
            found[environment] = {part: min(one.get(part, float("inf")) for one in others) for part in own}
    return found
