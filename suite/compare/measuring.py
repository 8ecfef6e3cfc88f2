"""The distances between two snapshots, quantity by quantity."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suite.artifacts import names
from suite.compare import examples, metrics
from suite.compare.snapshots import (
    COMPILED,
    EVALUATION,
    HISTORY,
    LOSS,
    OPTIMIZER,
    OTHER,
    PREDICTIONS,
    STATISTICS,
    WEIGHTS,
    Arrays,
    Snapshot,
)
from suite.records import NEUTRAL, At, BatchNorm, Distances, Floats, Manifest, TensorDistance, TensorGroup

TRAINED = (TensorGroup.KERNEL, TensorGroup.SCALE_OR_SHIFT, TensorGroup.OUTPUT_LAYER)
WORST = 20  # tensors kept for a report


def mismatch(a: Arrays | None, b: Arrays | None, quantity: str = "") -> str:
    """Why two sets of arrays cannot be compared, as a sentence; empty if they can. Pairs by name, never by position.
    `quantity`: what they are of, where that is no tensors."""
    if not a or not b:
        return "one side has nothing to compare"
    if a.keys() != b.keys():
        alone = sorted(a.keys() ^ b.keys())
        if said := {EVALUATION: "evaluate gives", HISTORY: "fit says"}.get(quantity, ""):
            return f"{said} {', '.join(alone[:3])} on one side only{' (and more)' if len(alone) > 3 else ''}"
        are = "1 tensor is" if len(alone) == 1 else f"{len(alone)} tensors are"
        return f"{are} on one side only{', the first' if len(alone) > 1 else ''}: {alone[0]}"
    for name, value in a.items():
        if value.shape != b[name].shape or value.dtype != b[name].dtype:
            first, second = sorted(f"{side.dtype}{side.shape}" for side in (value, b[name]))  # one reason, for both orders
            return f"{name} is {first} on one side and {second} on the other"
        for side in (value, b[name]):
            if not metrics.finite(side):
                return f"{name} holds NaN or infinity"
    return ""


def apart_in_dtypes(a: Arrays | None, b: Arrays | None) -> bool:
    """Whether two sets of arrays cannot be compared for the dtypes of floating-point ones alone."""
    if not a or not b or a.keys() != b.keys():
        return False
    pairs = [(value, b[name]) for name, value in a.items()]
    other = [(first, second) for first, second in pairs if first.dtype != second.dtype]
    floats = all(one.dtype.kind == "f" for both in other for one in both)
    return bool(other) and floats and all(first.shape == second.shape for first, second in pairs)


def measure(quantity: str, a: Snapshot, b: Snapshot, start: Snapshot | None, outputs: str) -> dict[str, float]:
    """Metric id -> distance, for one quantity of one snapshot. `start` defaults to the initial state of `a`."""
    first, second = a.arrays(quantity), b.arrays(quantity)
    if not first or not second or mismatch(first, second):
        return {}
    if quantity == WEIGHTS:
        chosen = _weights(a, b, start)
        return {"train": metrics.train(*chosen)} if chosen[0] else {}
    if quantity == STATISTICS:
        return _statistics_distances(first, second, a, b)
    if quantity == OPTIMIZER:
        groups = {tensor.name: tensor.group for tensor in a.manifest.slots}
        # Slots of biases before a batch normalization hold the rounding of a zero gradient.
        chosen = [_only(arrays, groups, (*TRAINED, TensorGroup.OTHER)) for arrays in (first, second)]
        return {"slots": metrics.slots(*chosen)} if chosen[0] else {}
    if quantity == OTHER:
        groups = {tensor.name: tensor.group for tensor in a.manifest.tensors}
        chosen = [_only(arrays, groups, (TensorGroup.OTHER,)) for arrays in (first, second)]
        return {"state": metrics.state(*chosen)} if chosen[0] else {}
    if quantity == LOSS:
        return {"loss": metrics.loss(first[names.LOSSES], second[names.LOSSES])}
    if quantity == HISTORY:
        return {"history": metrics.history(first, second)}
    if quantity == EVALUATION:
        return {"evaluation": metrics.evaluation(first, second)}
    if quantity == COMPILED:
        return {"compiled": metrics.compiled(first, second)}
    found = [prediction_distances(first[name], second[name], outputs) for name in first]
    return {metric: max(one[metric] for one in found) for metric in found[0]}


def _weights(a: Snapshot, b: Snapshot, start: Snapshot | None) -> list[dict[str, np.ndarray]]:
    """The trained weights of both sides that are judged, and their initial values."""
    groups = {tensor.name: tensor.group for tensor in a.manifest.tensors}
    begun = start or Snapshot(artifact=a.artifact, manifest=a.manifest, state=names.step(0))
    return [_only(one.arrays(WEIGHTS) or {}, groups, TRAINED) for one in (a, b, begun)]


def _envelope(sides: Sides, plain: Floats, start: Snapshot) -> Floats:
    """That of the sides. Weights outside of it may be as far apart as their updates are rounded: no rerun shows that."""
    if "train" not in plain or not plain["train"] > sides.envelope.get("train", math.inf):
        return sides.envelope
    a, b, begun = _weights(sides.a, sides.b, start)
    rounded = metrics.updates(a, b, begun, sides.step)
    return {**sides.envelope, "train": max(rounded, sides.envelope["train"])}


def _only(arrays: Arrays, groups: Mapping[str, str], wanted: Iterable[str]) -> dict[str, np.ndarray]:
    return {name: value for name, value in arrays.items() if groups.get(name, TensorGroup.KERNEL) in wanted}


def _statistics_distances(first: Arrays, second: Arrays, a: Snapshot, b: Snapshot) -> dict[str, float]:
    norms = [norm for norm in a.manifest.batch_norms if norm.mean in first]
    if not norms:
        return {}
    whole = [snapshot.artifact.arrays(snapshot.state) for snapshot in (a, b)]
    return {
        "mean": max(_mean_distance(first, second, norm) for norm in norms),
        "var": max(metrics.var(first[norm.variance], second[norm.variance], norm.epsilon) for norm in norms),
        "folded": metrics.folded(whole[0], whole[1], norms),
    }


def _mean_distance(first: Arrays, second: Arrays, norm: BatchNorm) -> float:
    variance = np.maximum(first[norm.variance], second[norm.variance])
    return metrics.mean(first[norm.mean], second[norm.mean], variance, norm.epsilon)


def prediction_distances(first: np.ndarray, second: np.ndarray, outputs: str) -> dict[str, float]:
    if first.ndim == 1:
        first, second = first[:, None], second[:, None]
    if outputs == "values":
        return {"values": metrics.values(first, second), "max_abs": metrics.max_abs(first, second)}
    if outputs == "logits":
        first, second = metrics.softmax(first), metrics.softmax(second)
    changed, explained = metrics.churn(first, second)
    return {
        "pmax": metrics.pmax(first, second),
        "tv": metrics.tv(first, second),
        "js": metrics.js(first, second),
        "churn": changed,
        "explained": explained,
    }


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Both sides after one step. `float64`: those of their float64 runs, where there are any. `envelope`,
    `float64_envelope`, `perturbed`: metric -> how far apart a side is from its own reruns, the larger of both sides."""

    step: int
    a: Snapshot
    b: Snapshot
    float64: tuple[Snapshot, Snapshot] | None = None
    envelope: Floats = field(default_factory=dict)
    float64_envelope: Floats = field(default_factory=dict)
    perturbed: Floats = field(default_factory=dict)


def distances_of(quantity: str, steps: Sequence[Sides], start: Snapshot, outputs: str) -> Distances | None:
    """One quantity over the steps; None if neither side has it at any. `start`: the initial state."""
    at, bits, invalid = [], True, ""
    last: Sides | None = None
    for sides in steps:
        values, others = sides.a.arrays(quantity) or {}, sides.b.arrays(quantity) or {}
        if not values and not others:
            continue
        if quantity in (EVALUATION, HISTORY) and not (values and others):
            continue  # one side could not be evaluated, or stopped before, and says why
        if _equal_non_finite(values, others):
            at.append(At(step=sides.step, plain={}))
            continue
        if invalid := mismatch(values, others, quantity):
            break
        last = sides
        bits = bits and all(metrics.bits(value, others[name]) for name, value in values.items())
        plain = measure(quantity, sides.a, sides.b, start, outputs)
        at.append(
            At(
                step=sides.step,
                plain=plain,
                envelope=_envelope(sides, plain, start),
                float64=measure(quantity, *sides.float64, None, outputs) if sides.float64 else {},
                float64_envelope=sides.float64_envelope,
                perturbed=sides.perturbed,
            )
        )
    if invalid:
        return Distances(quantity=quantity, bits=False, at=tuple(at), invalid=invalid)
    if last is None:
        return Distances(quantity=quantity, bits=True, at=tuple(at)) if at else None
    tensors = tensor_distances(quantity, last, steps[0], start)
    return Distances(
        quantity=quantity,
        bits=bits,
        at=tuple(at),
        tensors=tensors[:WORST],
        layers=_layers(tensors, last.a.manifest),
        histogram=_histogram(quantity, steps[0].a, steps[0].b),
        **_examples(quantity, last, outputs, bits=bits),
    )


def _examples(quantity: str, last: Sides, outputs: str, *, bits: bool) -> dict[str, Any]:
    """What of both sides is shown; nothing where every bit is equal."""
    a, b = last.a.arrays(quantity) or {}, last.b.arrays(quantity) or {}
    if bits or quantity not in (PREDICTIONS, LOSS, HISTORY):
        return {}
    return {"rows": examples.changed_rows(a, b, outputs)} if quantity == PREDICTIONS else {"curves": examples.curves(a, b)}


def _equal_non_finite(a: Arrays, b: Arrays) -> bool:
    """Whether every bit is equal, and some are NaN or infinite: there is nothing to measure then."""
    return (
        bool(a)
        and a.keys() == b.keys()
        and not all(map(metrics.finite, a.values()))
        and all(value.dtype == b[name].dtype and metrics.bits(value, b[name]) for name, value in a.items())
    )


def _layers(tensors: Iterable[TensorDistance], manifest: Manifest) -> dict[str, float]:
    """Layer -> distance of its farthest judged tensor, in the model's order; empty where tensors belong to no layer."""
    values = {tensor.name: tensor.value for tensor in tensors if tensor.group not in NEUTRAL}
    found: dict[str, float] = {}
    for tensor in manifest.tensors:
        if tensor.name in values:
            found[tensor.layer] = max(found.get(tensor.layer, 0.0), values[tensor.name])
    return found


def _histogram(quantity: str, a: Snapshot, b: Snapshot) -> tuple[int, ...]:
    """Over all elements, up to the last bin that is not empty."""
    values, others = a.arrays(quantity) or {}, b.arrays(quantity) or {}
    if not values or mismatch(values, others):
        return ()
    whole = np.sum([metrics.ulp_histogram(value, others[name]) for name, value in values.items()], axis=0)
    return tuple(int(count) for count in whole[: int(np.flatnonzero(whole).max(initial=0)) + 1])


def tensor_distances(quantity: str, last: Sides, first: Sides, start: Snapshot) -> tuple[TensorDistance, ...]:
    """Every tensor, the one farthest apart first; tensors whose distance means nothing (neutral ones) last."""
    a, b = last.a, last.b
    described = {tensor.name: tensor for tensor in (a.manifest.slots if quantity == OPTIMIZER else a.manifest.tensors)}
    values, others, begun = a.arrays(quantity) or {}, b.arrays(quantity) or {}, start.arrays(quantity) or {}
    early = [snapshot.arrays(quantity) or {} for snapshot in (first.a, first.b)]
    travelled = metrics.rms_travelled(values, begun) if quantity == WEIGHTS else 0.0
    rows = []
    for name, value in values.items():
        tensor = described.get(name)
        rows.append(
            TensorDistance(
                name=name,
                group=tensor.group if tensor else None,
                value=_tensor(quantity, name, value, others[name], begun, travelled, a.manifest.batch_norms),
                ulp=metrics.ulp(early[0][name], early[1][name]) if name in early[0] and name in early[1] else 0.0,
                bits=metrics.bits(value, others[name]),
                integer=value.dtype.kind in "biu",
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.group in NEUTRAL, -row.value)))


def _tensor(
    quantity: str, name: str, a: np.ndarray, b: np.ndarray, begun: Arrays, travelled: float, norms: Iterable[BatchNorm]
) -> float:
    if quantity == WEIGHTS and name in begun:
        return metrics.tensor(a, b, begun[name], travelled)
    return metrics.relative_l2(a, b)
