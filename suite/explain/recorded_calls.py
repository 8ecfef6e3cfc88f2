"""The recorded calls of a run: of layers, losses, regularizers and updates, as they are stored, and as definitions are
asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Artifact, Complete
from suite.compare import metrics
from suite.records import OPERATION, RecordedCall
from suite.referee import losses
from suite.referee.definition import Call, LossCall
from suite.referee.layers import operations

Arrays = Mapping[str, np.ndarray]
WENT_IN = ("input", "weight", "mask", "argument")
ALONE = "alone"  # what a layer returned for its first rows alone
GROWS = 100.0  # what comes out so many times farther apart than what goes in is the layer's own doing


def calls(found: Complete) -> Iterator[tuple[RecordedCall, dict[str, dict[str, np.ndarray]]]]:
    """Every call that a run recorded, with its arrays: what -> name -> array."""
    artifact, manifest = found
    for place, call in _placed(manifest.recorded):
        yield call, _arrays(artifact, call.state, place)


def layers(found: Complete, *, training: bool = True) -> Iterator[tuple[RecordedCall, dict[str, dict[str, np.ndarray]]]]:
    """Those of layers, and of operations that the model itself calls, where the model trains or where it predicts."""
    kinds = ("layer", OPERATION)
    return (
        (call, arrays)
        for call, arrays in calls(found)
        if call.kind in kinds and not call.inside and call.training == training
    )


def gap(first: Mapping[str, Arrays], second: Mapping[str, Arrays], parts: Iterable[str]) -> float:
    """How far these parts of two calls are apart, relative; infinite where they are not of one shape."""
    pairs = [(value, second.get(what, {}).get(name)) for what in parts for name, value in first.get(what, {}).items()]
    return max((_gap(one, other) for one, other in pairs), default=0.0)


def _gap(one: np.ndarray, other: np.ndarray | None) -> float:
    if other is None or one.shape != other.shape:
        return np.inf
    return 0.0 if metrics.bits(one, other) else metrics.relative_l2(one, other)


def _placed(calls: tuple[RecordedCall, ...]) -> Iterator[tuple[int, RecordedCall]]:
    """Every call with its place among those of its state."""
    counts: dict[str, int] = {}
    for call in calls:
        place = counts.get(call.state, 0)
        counts[call.state] = place + 1
        yield place, call


def _arrays(artifact: Artifact, state: str, place: int) -> dict[str, dict[str, np.ndarray]]:
    """What is stored of one call: what -> name -> array."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for key, value in artifact.arrays(names.layerwise(state)).items():
        number, _, rest = key.partition("|")
        if number == str(place):
            what, _, name = rest.partition("|")
            found.setdefault(what, {})[name] = value
    return found


def class_of(call: RecordedCall) -> str:
    """The name of its class; of a loss that was given as a function, that of the class which computes the same."""
    return losses.class_of(call.of, json.loads(call.config)) if call.kind == "loss" else call.of


def asked(call: RecordedCall, arrays: Mapping[str, Arrays]) -> Call:
    """What the definition of the layer or the operation is asked, in float64."""
    return Call(
        layer=operations.PREFIX + call.of if call.kind == OPERATION else call.of,
        config=json.loads(call.config),
        inputs=tuple(_wide(one) for one in in_order(arrays.get("input", {}))),
        weights={name: _wide(one) for name, one in arrays.get("weight", {}).items()},
        training=call.training,
        masks=_masks(arrays),
        arguments=_arguments(call, arrays.get("argument", {})),
        epsilon=call.epsilon,
    )


def outputs(arrays: Mapping[str, Arrays]) -> tuple[np.ndarray, ...]:
    """What the call returned."""
    return in_order(arrays.get("output", {}))


def asked_loss(call: RecordedCall, arrays: Mapping[str, Arrays]) -> LossCall:
    inputs, masks = arrays["input"], arrays.get("mask", {})
    return LossCall(
        loss=call.of,
        config=json.loads(call.config),
        y_true=inputs["y_true"],
        y_pred=inputs["y_pred"].astype(np.float64),
        sample_weight=inputs.get("sample_weight"),
        mask=masks.get("0"),
        epsilon=call.epsilon,
    )


def in_order(arrays: Arrays) -> tuple[np.ndarray, ...]:
    return tuple(arrays[name] for name in sorted(arrays, key=int))


def _masks(arrays: Mapping[str, Arrays]) -> tuple[np.ndarray | None, ...]:
    masks = arrays.get("mask", {})
    return tuple(masks.get(str(place)) for place in range(len(arrays.get("input", {})))) if masks else ()


def _arguments(call: RecordedCall, tensors: Arrays) -> dict[str, Any]:
    """Arguments that hold arrays are stored leaf by leaf, "initial_state/0"."""
    found: dict[str, Any] = dict(json.loads(call.arguments))
    for path, value in tensors.items():
        name, _, place = path.partition("/")
        if not place:
            found[name] = value
        else:
            found.setdefault(name, []).append(value)
    return found


def _wide(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float64) if values.dtype.kind == "f" else values
