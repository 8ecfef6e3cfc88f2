"""One training step of two runs from common states, compared stage by stage. Measures; decides nothing.

A lockstep run leaves, for each state, arrays "<stage>|<tensor>" (see `suite.records.STAGES`). Nothing accumulates between states,
so equal semantics stay within rounding wherever training has got to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from suite import metrics
from suite.records import STAGES, BatchNorm, Manifest, Place
from suite.store import Artifact

Arrays = Mapping[str, np.ndarray]
Complete = tuple[Artifact, Manifest]

SMALL = 1e-3  # of the rms over all tensors: the least denominator of a gradient or update that is nearly zero


@dataclass(frozen=True, kw_only=True)
class StageDistance:
    """One tensor of one stage: 0 is equal, infinity another shape or NaN."""

    stage: str
    tensor: str
    value: float


def states(a: Manifest, b: Manifest) -> list[str]:
    """The states that both started from, in the order of training, the saturated one last."""
    names = [
        {name[len("lockstep-") :].partition(".")[0] for name in one.files if name.startswith("lockstep-")} for one in (a, b)
    ]
    return sorted(names[0] & names[1], key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0))


def stage_distances(a: Complete, b: Complete) -> dict[str, list[StageDistance]]:
    """State -> the distance of every tensor that both have, in the order in which a step computes them."""
    described = b[1] if b[1].calls else a[1]
    return {
        state: list(_distances(a[0].arrays(f"lockstep-{state}"), b[0].arrays(f"lockstep-{state}"), described))
        for state in states(a[1], b[1])
    }


def first(distances: Mapping[str, Sequence[StageDistance]], limit: float) -> Place | None:
    """The first stage and tensor beyond the limit, in the earliest state that has one; None if all are within."""
    for state, found in distances.items():
        for one in found:
            if one.value >= limit:
                return _place(state, _sharper(one, found, limit), limit)
    return None


def _place(state: str, one: StageDistance, limit: float) -> Place:
    return Place(stage=one.stage, tensor=one.tensor, state=state, size=one.value, ratio=one.value / limit)


def _sharper(one: StageDistance, found: Sequence[StageDistance], limit: float) -> StageDistance:
    """The first difference, said of what a normalization computes before its outputs, or after them.

    A layer whose inputs are equal and whose outputs are not may have used other batch statistics: then they are the place.
    Batch statistics are observed in what is kept of them: where the outputs are equal, those that normalized were right, and
    what is off is how they are kept.
    """
    layer = one.tensor.partition("#")[0] if one.stage == "forward" else one.tensor.rpartition("/")[0]
    if one.stage == "forward":
        used = [other for other in found if other.stage == "batch statistics" and other.tensor.rpartition("/")[0] == layer]
        return next((other for other in used if other.value >= limit), one)
    outputs = [other.value for other in found if other.stage == "forward" and other.tensor.partition("#")[0] == layer]
    normalized = one.stage == "batch statistics" and outputs and max(outputs) < limit
    return replace(one, stage="moving statistics") if normalized else one


def _distances(a: Arrays, b: Arrays, described: Manifest) -> Iterator[StageDistance]:
    groups = {tensor.name: tensor.group for tensor in described.tensors}
    for stage in STAGES:
        names = [name.partition("|")[2] for name in b if name in a and name.startswith(f"{stage}|")]
        names = [name for name in names if groups.get(_owner(stage, name), "") != "P"]
        floor = SMALL * _rms(b, stage, names)
        for name in sorted(names, key=lambda name: _turn(stage, name, described)):
            mine, other = a[f"{stage}|{name}"], b[f"{stage}|{name}"]
            yield StageDistance(stage=stage, tensor=name, value=_distance(stage, name, mine, other, b, described, floor))


def _owner(stage: str, name: str) -> str:
    """The model variable that a name is about."""
    return name.rpartition("/")[0] if stage == "optimizer state" else name


def _turn(stage: str, name: str, described: Manifest) -> tuple[int, str]:
    """When a step comes to it: forward in the order of calls, gradients from the output backwards."""
    layer = name if stage == "forward" else _owner(stage, name).rpartition("/")[0]
    place = described.calls.index(layer) if layer in described.calls else len(described.calls)
    return (-place if stage == "gradient" else place), name


def _rms(arrays: Arrays, stage: str, names: Sequence[str]) -> float:
    values = [arrays[f"{stage}|{name}"] for name in names]
    size = sum(value.size for value in values)
    return float(np.sqrt(sum(float(np.square(value, dtype=np.float64).sum()) for value in values) / size)) if size else 0.0


def _distance(
    stage: str, name: str, a: np.ndarray, b: np.ndarray, expected: Arrays, described: Manifest, floor: float
) -> float:
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return np.inf
    if stage in ("batch statistics", "moving statistics"):
        for norm in described.batch_norms:
            if name in (norm.mean, norm.variance) and f"{stage}|{norm.variance}" in expected:
                return _whitened(name, a, b, expected[f"{stage}|{norm.variance}"], norm)
    if stage in ("forward", "batch statistics", "moving statistics", "loss"):
        return metrics.relative_l2(a, b)
    norms = [float(np.linalg.norm(value.astype(np.float64))) for value in (a, b)]
    scale = max(*norms, floor * np.sqrt(a.size))
    return float(np.linalg.norm(a.astype(np.float64) - b.astype(np.float64))) / scale if scale else 0.0


def _whitened(name: str, a: np.ndarray, b: np.ndarray, variance: np.ndarray, norm: BatchNorm) -> float:
    if name == norm.mean:
        return metrics.mean(a, b, np.maximum(variance, 0.0), norm.epsilon)
    return metrics.var(a, b, norm.epsilon)
