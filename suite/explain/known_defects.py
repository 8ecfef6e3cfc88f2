"""Known defects of Keras that no single call shows: they are told by where a run differs, and by what was recorded there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

import numpy as np

from suite import compare
from suite.artifacts import names
from suite.artifacts.artifact import Artifact
from suite.compare import metrics
from suite.compare.run_folder import RunFolder
from suite.explain import further_runs, recorded_calls, saving
from suite.explain.definitions import environment_of
from suite.explain.recorded_calls import Arrays
from suite.judge.equivalence import SAME_SEMANTICS
from suite.records import LOSS, OUTSIDE, SINGLE_STEP, Cause, Code, Configuration, Place, RecordedCall, Run, plain
from suite.referee import layers
from suite.referee.defects.matching import known
from suite.referee.defects.records import AS_IN_PREDICTION, AS_IN_TRAINING, NO_GRADIENT, OVER_REPLICAS, Sighting

INFERENCE = "bn-inference-in-training"  # a hypothesis
LOCAL = "gradients-local"  # a hypothesis
WITHOUT_STATISTICS = "bn-no-statistics-gradient"  # a hypothesis
SEMANTICS = "semantics"  # a hypothesis, with what it computes
OF_EACH_REPLICA = "statistics of each replica"
TRAINING = "training"  # a stage: what a layer computes where `fit` trains is not what it computes if it is told to train
MOVED = ("update", "optimizer state", "trajectory")  # stages where a weight that no gradient reaches may move

Calls = Sequence[tuple[RecordedCall, Mapping[str, Arrays]]]


def of_metric(folder: RunFolder, configuration: Configuration, name: str) -> str:
    """Of a metric that one environment computes as no other does; empty if it is none. `name`: as `fit` and `evaluate` call
    it."""
    for config in _compiled_metrics(folder, configuration):
        if config.get("name") == name:
            return _known(folder, configuration, Sighting(**_BLANK, kind="metric", name=str(config["class"]), config=config))
    masked = _is_weighted(folder, configuration, name) and _has_masked_weights(folder, configuration)
    return _known(folder, configuration, Sighting(**_BLANK, kind="metric", name="", masked=True)) if masked else ""


def of_weight(folder: RunFolder, runs: Mapping[str, Sequence[Run]], place: Place) -> str:
    """Of a weight that one environment moves, and that has no gradient in any other: there the optimizer leaves it alone.
    `runs`: those that recorded their calls, by environment, the odd one first."""
    if place.stage not in MOVED:
        return ""
    (odd, mine), *others = ((name, _updates(folder, of_one)) for name, of_one in runs.items())
    zeros = [call for call, gradients in mine if place.tensor in gradients and not np.any(gradients[place.tensor])]
    if not zeros or not all(there and not any(place.tensor in one for _, one in there) for _, there in others):
        return ""
    [configuration] = {run.configuration for run in runs[odd]}
    call = zeros[0]
    sighting = Sighting(
        kind="optimizer", name=call.of, backend="", stage="update", config=json.loads(call.config), part=place.tensor,
        detail=NO_GRADIENT,
    )  # fmt: skip
    return _known(folder, configuration, sighting)


def named(
    folder: RunFolder, configuration: Configuration, causes: Sequence[Cause], place: Place, shared: AbstractSet[str]
) -> tuple[Cause, ...]:
    """The causes why a run is not what its strategy declares, with the known defects that they are; where there is none, a
    layer that trains as it predicts, if that is a known defect. `shared`: the codes of what is so elsewhere, too: that is
    what the model asks for."""
    layer = place.tensor.partition("#")[0]
    if not causes and (call := _as_in_prediction(folder, configuration, layer)) is not None:
        where = (("what", "layer"), ("class", call.of), ("name", layer), ("stage", TRAINING))
        found = Cause(code=Code.DEFINITION, subject=configuration.environment, detail=where)
        defect = _of_training(folder, configuration, layer)
        return (with_known(found, defect),) if defect else ()
    return tuple(
        cause if cause.code in shared else with_known(cause, _of_cause(folder, configuration, cause, layer))
        for cause in causes
    )


def of_formats(folder: RunFolder, configuration: Configuration) -> str:
    """Why a model computes in other formats in this environment than in all others; empty if that is no known defect."""
    return _known(folder, configuration, Sighting(**_BLANK, kind="formats", name=""))


def of_moving(folder: RunFolder, configuration: Configuration, moved: AbstractSet[str]) -> str:
    """Why this environment changes variables of these layers where it predicts; empty unless all of them are Keras's own,
    and are called after one that is known to bring that about."""
    calls = [call for call, _ in _layer_calls(folder, configuration)]
    for place, call in enumerate(calls):
        after = {one.name.partition("#")[0] for one in calls[place:] if one.own}
        sighting = Sighting(kind="training", name=call.of, backend="", stage="state", detail=AS_IN_TRAINING)
        if moved <= after and (found := _known(folder, configuration, sighting)):
            return found
    return ""


def of_lost_weights(folder: RunFolder, configuration: Configuration, alone: Configuration | None) -> str:
    """Why weights become infinite or NaN on several devices, and not on one; empty if that is no known defect. `alone`: the
    same on one device."""
    several, one = (folder.subject(side) if side else "" for side in (configuration, alone))
    if configuration.devices < 2 or isinstance(several, str) or isinstance(one, str) or compare.first_non_finite(one.plain):
        return ""
    artifact, manifest = several.plain
    optimizer = _compiled(artifact, "optimizer") if names.has(manifest, names.COMPILED) else None
    state = artifact.arrays(names.step(manifest.steps[-1]))
    if not isinstance(optimizer, dict) or all(metrics.finite(value) for value in state.values()):
        return ""
    name = str(optimizer.get("class"))
    return _known(folder, configuration, Sighting(**_BLANK, kind="optimizer", name=name, detail=OVER_REPLICAS))


_BLANK: dict[str, Any] = {"backend": "", "stage": ""}


def _known(folder: RunFolder, configuration: Configuration, sighting: Sighting) -> str:
    """With the backend and the versions of the environment; of a metric or an optimizer, in the stage that is its own."""
    environment = environment_of(folder, configuration.environment)
    if environment is None:
        return ""
    stage = sighting.stage or {"metric": "forward", "optimizer": "update"}.get(sighting.kind, "forward")
    backend = environment.environment.backend
    found = known(replace(sighting, backend=backend, stage=stage, packages=environment.packages))
    return found.id if found else ""


def with_known(cause: Cause, defect: str) -> Cause:
    """The same cause, with the known defect that it is; as it was if that is empty."""
    return replace(cause, detail=(*cause.detail, ("known", defect))) if defect else cause


def _of_training(folder: RunFolder, configuration: Configuration, layer: str) -> str:
    sighting = Sighting(kind="training", name=layer, backend="", stage="state", training=True, detail=AS_IN_PREDICTION)
    return _known(folder, configuration, sighting)


def _of_cause(folder: RunFolder, configuration: Configuration, cause: Cause, layer: str) -> str:
    if cause.code == INFERENCE:
        return _of_training(folder, configuration, layer)
    if cause.code == WITHOUT_STATISTICS:
        sighting = Sighting(kind="layer", name="BatchNormalization", backend="", stage="gradient", training=True)
        return _known(folder, configuration, sighting)
    if cause.code == LOCAL and layer in _outside(folder, configuration):
        return _known(folder, configuration, Sighting(**_BLANK, kind="parameters", name="", detail=OVER_REPLICAS))
    if cause.code == SEMANTICS and OF_EACH_REPLICA in dict(cause.detail).values():
        calls = _layer_calls(folder, configuration)
        norm = next((call for call, arrays in calls if _is_of(call, layer) and "mask" in arrays), None)
        if norm is not None:
            sighting = Sighting(**_BLANK, kind="layer", name=norm.of, masked=True, training=True, detail=OVER_REPLICAS)
            return _known(folder, configuration, sighting)
    return ""


def _outside(folder: RunFolder, configuration: Configuration) -> list[str]:
    """The trained weights that torch does not know of as parameters of the model."""
    subject = folder.subject(configuration)
    return [] if isinstance(subject, str) else subject.plain[1].facts.get(OUTSIDE, "").split(", ")


def _as_in_prediction(folder: RunFolder, configuration: Configuration, layer: str) -> RecordedCall | None:
    """The call of this layer, if one step of the run has of it what its definition says of a prediction with the same
    inputs, and not what the layer computes if it is told to train; else None."""
    step = folder.further(Run(configuration=configuration, variation=SINGLE_STEP, precision="float64"))
    if isinstance(step, str):
        return None
    found = [one for one in _layer_calls(folder, configuration) if one[0].name == layer and one[0].own]
    every = all(_predicts(call, arrays, _of_step(step[0], call.state, layer)) for call, arrays in found)
    return found[0][0] if found and every else None


def _of_step(artifact: Artifact, state: str, layer: str) -> np.ndarray | None:
    found: np.ndarray | None = artifact.arrays(names.single_step(state)).get(f"forward|{layer}")
    return found


def _predicts(call: RecordedCall, arrays: Mapping[str, Arrays], made: np.ndarray | None) -> bool:
    trained = recorded_calls.outputs(arrays)
    if made is None or len(trained) != 1 or not metrics.relative_l2(trained[0], made) >= SAME_SEMANTICS:
        return False
    try:
        with np.errstate(all="ignore"):
            answer = layers.call(recorded_calls.asked(replace(call, training=False), arrays))
    except Exception:  # a definition that fails, or that is none, costs the name of a defect, and no verdict
        return False
    [defined] = answer.outputs
    return defined.shape == made.shape and metrics.relative_l2(defined, made) < SAME_SEMANTICS


def _is_weighted(folder: RunFolder, configuration: Configuration, name: str) -> bool:
    """Whether a metric of this name gets sample weights, as far as its compiled name or configuration shows."""
    found = folder.complete(plain(configuration))
    if isinstance(found, str) or not names.has(found[1], names.COMPILED):
        return False
    each = _flat(_compiled(found[0], "weighted_metrics"))
    own = [one.get("name", "") if isinstance(one, dict) else str(one) for one in each]
    return any(one and (name == one or name.endswith(f"_{one}")) for one in own)


def _has_masked_weights(folder: RunFolder, configuration: Configuration) -> bool:
    """Whether a recorded loss has sample weights, and a mask."""
    found = folder.further(further_runs.layerwise(configuration))
    calls = () if isinstance(found, str) else recorded_calls.calls(found)
    losses = (arrays for call, arrays in calls if call.kind == LOSS)
    return any("mask" in arrays and "sample_weight" in arrays.get("input", {}) for arrays in losses)


def _is_of(call: RecordedCall, tensor: str) -> bool:
    name = call.name.partition("#")[0]
    return tensor == name or tensor.startswith(f"{name}/")


def _layer_calls(folder: RunFolder, configuration: Configuration) -> Calls:
    """Those of layers in training that were recorded on one device, in this environment or else in another one."""
    every = dict.fromkeys(
        (configuration.environment, *(one.environment for one in folder.configurations(configuration.scenario)))
    )
    for alone in (folder.alone(configuration.scenario, name) for name in every):
        found = folder.further(further_runs.layerwise(alone)) if alone else ""
        if not isinstance(found, str):
            return list(recorded_calls.layers(found))
    return []


def _updates(folder: RunFolder, runs: Sequence[Run]) -> list[tuple[RecordedCall, Arrays]]:
    """The recorded updates, with the gradients that went in."""
    whole = [found for run in runs if not isinstance(found := folder.further(run), str)]
    every = (one for found in whole for one in recorded_calls.calls(found))
    return [(call, arrays.get("gradient", {})) for call, arrays in every if call.kind == "update"]


def _compiled_metrics(folder: RunFolder, configuration: Configuration) -> Iterator[dict[str, Any]]:
    """The configurations of all metrics that the model was compiled with."""
    found = folder.complete(plain(configuration))
    if isinstance(found, str) or not names.has(found[1], names.COMPILED):
        return
    yield from (one for one in _flat(_compiled(found[0], "metrics")) if isinstance(one, dict))


def _flat(described: Any) -> Iterator[Any]:
    """Every metric in what a model was compiled with: a configuration, or a name."""
    if isinstance(described, list) or (isinstance(described, dict) and "class" not in described):
        for one in described.values() if isinstance(described, dict) else described:
            yield from _flat(one)
    elif described is not None:
        yield described


def _compiled(artifact: Artifact, argument: str) -> Any:
    """What the model was compiled with for this argument; None if it was not told."""
    text = artifact.arrays(names.COMPILED).get(argument)
    return None if text is None else saving.as_json(text)
