"""One training step of two runs from common states, compared stage by stage. Measures; decides nothing.

A single-step comparison run leaves, for each state, arrays "<stage>|<tensor>" (see `suite.records.STAGES`). Nothing
accumulates between states, so equal semantics stay within rounding wherever training has got to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Complete
from suite.compare import metrics
from suite.records import NEUTRAL, STAGES, BatchNorm, Manifest, Place

Arrays = Mapping[str, np.ndarray]

LARGEST = 1e100  # said of what is infinitely far apart: JSON knows no infinity
MUCH_LESS = 1e-2  # statistics that normalize move outputs about as much as they are off themselves
NOTHING = 1e-10  # of the rms over all gradients: one that is smaller is rounding
SMALL = 0.1  # of the rms over all tensors: the least denominator of a gradient or update whose terms cancel
PER_DEVICE = ("batch statistics", "moving statistics")  # their first axis is the devices


@dataclass(frozen=True, kw_only=True)
class StageDistance:
    """One tensor of one stage: 0 is equal, infinity a different shape or NaN."""

    stage: str
    tensor: str
    value: float


def states(a: Manifest, b: Manifest) -> list[str]:
    """The states that both started from, in the order of training, the saturated one last."""
    both = names.single_step_states(a) & names.single_step_states(b)
    return sorted(both, key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0))


def stage_distances(a: Complete, b: Complete) -> dict[str, list[StageDistance]]:
    """State -> the distance of every tensor that both have, in the order in which a step computes them: stage by stage,
    layers in the order of their calls, gradients from the output backwards. What is neutral is left out:
    its exact gradient, or it itself, is zero, and its numbers are rounding.

    A side with one device is compared with each device of the other; otherwise only devices that both have.
    """
    described = b[1] if b[1].calls else a[1]
    return {
        state: list(_distances(a[0].arrays(names.single_step(state)), b[0].arrays(names.single_step(state)), described))
        for state in states(a[1], b[1])
    }


def first(distances: Mapping[str, Sequence[StageDistance]], limit: float) -> Place | None:
    """The stage and tensor to which a step comes first, of those that are beyond the limit in any state, in the earliest
    state in which it is: a wrong bias shows in the outputs only when it is not zero any more. None if all are within."""
    begins = _begins(distances, limit)
    if not begins:
        return None
    state = min(begins, key=lambda state: begins[state])
    place = _sharper(distances[state][begins[state][1]], distances[state], limit)
    size = min(place.value, LARGEST)
    return Place(stage=place.stage, tensor=place.tensor, state=state, size=size, ratio=size / limit)


def wider(distances: Mapping[str, Sequence[StageDistance]], least: float, grows: float, limit: float) -> Place | None:
    """The first stage and tensor that is beyond `least`, and `grows` times as far apart as everything before it in its step,
    in the earliest state that has one; None if there is none: what is less may have come from a small difference before.
    `limit`: as in `first`."""
    for state in sorted(distances, key=int):
        before = 0.0
        for one in distances[state]:
            if not one.value <= max(least, grows * before):
                place = _sharper(one, distances[state], least)
                size = min(place.value, LARGEST)
                return Place(stage=place.stage, tensor=place.tensor, state=state, size=size, ratio=size / limit)
            before = max(before, one.value)
    return None


def position(distances: Mapping[str, Sequence[StageDistance]], limit: float) -> tuple[int, int] | None:
    """How far a step comes, in the earliest state, before it leaves the limit: the index of the stage, and the turn in it;
    None if it never does. Of two emulations of one run, the one that comes farther explains more."""
    return min(_begins(distances, limit).values(), default=None)


def _begins(distances: Mapping[str, Sequence[StageDistance]], limit: float) -> dict[str, tuple[int, int]]:
    """State -> the index of the stage and the turn at which a step from there leaves the limit, where it does."""
    found = {}
    for state, steps in distances.items():
        turn = next((turn for turn, one in enumerate(steps) if not one.value < limit), None)
        if turn is not None:
            found[state] = STAGES.index(steps[turn].stage), turn
    return found


def _sharper(one: StageDistance, found: Sequence[StageDistance], limit: float) -> StageDistance:
    """The first difference, said of what a normalization computes before its outputs, or after them.

    A layer whose inputs are equal and whose outputs are not may have used other batch statistics: then they are the place.
    Batch statistics are observed in what is kept of them: where the outputs and all gradients are equal, those that
    normalized were right, and what is off is how they are kept.
    """
    if one.stage == "forward":
        used = [other for other in found if other.stage == "batch statistics" and _layer(other) == _layer(one)]
        return next((other for other in used if not other.value < limit), one)
    if one.stage != "batch statistics":
        return one
    outputs = [other.value for other in found if other.stage == "forward" and _layer(other) == _layer(one)]
    gradients = [other.value for other in found if other.stage == "gradient"]
    normalized = outputs and max(outputs + gradients) < min(limit, MUCH_LESS * one.value)
    return replace(one, stage="moving statistics") if normalized else one


def _layer(one: StageDistance) -> str:
    return one.tensor.partition("#")[0] if one.stage == "forward" else one.tensor.rpartition("/")[0]


def _distances(a: Arrays, b: Arrays, described: Manifest) -> Iterator[StageDistance]:
    groups = {tensor.name: tensor.group for tensor in described.tensors}
    layers = dict.fromkeys(tensor.layer for tensor in described.tensors)
    turns = {layer: turn for turn, layer in enumerate(described.calls or layers)}
    still = _unmoved(a, b)
    for stage in STAGES:
        names = [name.removeprefix(f"{stage}|") for name in b if name in a and name.startswith(f"{stage}|")]
        names = [name for name in names if groups.get(_owner(stage, name)) not in NEUTRAL]
        if stage in ("update", "optimizer state"):
            names = [name for name in names if _owner(stage, name) not in still]
        floors = _floors(stage, names, a, b)
        for name in sorted(names, key=lambda name: (_turn(stage, name, turns), name)):
            mine, other = _devices(stage, a[f"{stage}|{name}"], b[f"{stage}|{name}"])
            yield StageDistance(
                stage=stage,
                tensor=name,
                value=_distance(
                    stage, name, mine, other, (a, b), described.batch_norms, floors.get(_kind(stage, name), 0.0)
                ),
            )


def _unmoved(a: Arrays, b: Arrays) -> set[str]:
    """The tensors whose gradient is nothing but rounding on both sides, as that of a bias before any normalization: an
    optimizer may make a step of any size of it."""
    names = [name for name in b if name.startswith("gradient|") and name in a]
    least = [NOTHING * _rms(side, names) for side in (a, b)]
    return {
        name.removeprefix("gradient|")
        for name in names
        if all(_rms(side, [name]) < bound for side, bound in zip((a, b), least, strict=True))
    }


def neutral(a: Complete, b: Complete) -> frozenset[str]:
    """The tensors whose gradient is nothing but rounding on both sides, in every common state of training: nothing depends
    on them, as on the shift of any normalization before another one. What has no gradient at all is none of them: it may
    move without one."""
    both = [
        (a[0].arrays(names.single_step(state)), b[0].arrays(names.single_step(state)))
        for state in states(a[1], b[1])
        if state.isdigit()
    ]
    if not both:
        return frozenset()
    silent = set.intersection(*(_unmoved(*sides) for sides in both))
    return frozenset(name for name in silent if any(np.any(side[f"gradient|{name}"]) for sides in both for side in sides))


def _owner(stage: str, name: str) -> str:
    """The model variable that a name is about."""
    return name.rpartition("/")[0] if stage == "optimizer state" else name


def _kind(stage: str, name: str) -> str:
    """Tensors of one scale: slots of the optimizer have one for each kind (a square and its root differ by decades)."""
    return name.rpartition("/")[2] if stage == "optimizer state" else ""


def _turn(stage: str, name: str, turns: Mapping[str, int]) -> int:
    """When a step comes to it. What belongs to no layer that was called comes last."""
    layer = name if stage == "forward" else _owner(stage, name).rpartition("/")[0]
    while layer and layer not in turns:
        layer = layer.rpartition("/")[0]
    if layer not in turns:
        return len(turns)
    return -turns[layer] if stage == "gradient" else turns[layer]


def _floors(stage: str, names: Sequence[str], a: Arrays, b: Arrays) -> dict[str, float]:
    """Kind -> the least denominator for each element of a tensor, where tensors can be nearly zero."""
    if stage not in ("gradient", "update", "optimizer state"):
        return {}
    kinds: dict[str, list[str]] = {}
    for name in names:
        kinds.setdefault(_kind(stage, name), []).append(f"{stage}|{name}")
    return {kind: SMALL * max(_rms(side, members) for side in (a, b)) for kind, members in kinds.items()}


def _rms(arrays: Arrays, names: Sequence[str]) -> float:
    size = sum(arrays[name].size for name in names)
    with np.errstate(over="ignore"):  # a float64 run that diverges
        squares = sum(float(np.square(arrays[name], dtype=np.float64).sum()) for name in names)
    return float(np.sqrt(squares / size)) if size and np.isfinite(squares) else 0.0


def _devices(stage: str, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if stage not in PER_DEVICE or a.shape[1:] != b.shape[1:] or len(a) == len(b):
        return a, b
    if 1 in (len(a), len(b)):
        shape = (max(len(a), len(b)), *a.shape[1:])
        return np.broadcast_to(a, shape), np.broadcast_to(b, shape)
    both = min(len(a), len(b))
    return a[:both], b[:both]


def _distance(
    stage: str,
    name: str,
    a: np.ndarray,
    b: np.ndarray,
    sides: tuple[Arrays, Arrays],
    norms: Sequence[BatchNorm],
    floor: float,
) -> float:
    if a.shape != b.shape or not (metrics.finite(a) and metrics.finite(b)):
        return np.inf
    for norm in norms if stage in PER_DEVICE else ():
        if name == norm.variance:
            return metrics.var(a, b, norm.epsilon)
        variance = f"{stage}|{norm.variance}"
        if name == norm.mean and all(variance in side for side in sides):
            larger = np.maximum(*_devices(stage, sides[0][variance], sides[1][variance]))
            if larger.shape == a.shape and metrics.finite(larger):
                return metrics.mean(a, b, larger, norm.epsilon)
    if not floor:
        return metrics.relative_l2(a, b)
    doubles = a.astype(np.float64), b.astype(np.float64)
    scale = max(*(float(np.linalg.norm(one)) for one in doubles), floor * float(np.sqrt(a.size)))
    return float(np.linalg.norm(doubles[0] - doubles[1])) / scale
