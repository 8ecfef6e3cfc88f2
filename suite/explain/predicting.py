"""Which environment predicts differently from one and the same file, and in which layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from suite import compare
from suite.artifacts import names
from suite.artifacts.artifact import Complete
from suite.compare import metrics
from suite.compare.run_folder import RunFolder
from suite.explain import definitions, further_runs, recorded_calls
from suite.explain.definitions import Departure
from suite.judge import equivalence
from suite.records import (
    MEMORY_LOST,
    OPERATION,
    PREDICT_MOVES,
    RANDOM_PREDICTIONS,
    Cause,
    Code,
    Configuration,
    DamagedArtifact,
    Place,
    plain,
)
from suite.referee.defects.table import DEFECTS

OF_TRAINING = ("loss", "gradient", "update", "training")  # stages that no prediction comes to
LEAST = 3  # environments: of two that differ, neither is odd


def trained_alike(quantities: AbstractSet[str]) -> bool:
    """Whether what two compute differently shows where they predict or evaluate, and nowhere else."""
    return set() < quantities <= {compare.PREDICTIONS, compare.EVALUATION}


def showing(departures: Iterable[Departure], quantities: AbstractSet[str]) -> list[Departure]:
    """Those that can show in these quantities: calls of training show in all."""
    after = {definitions.PREDICTION, definitions.EVALUATION}
    if not trained_alike(quantities):
        return [one for one in departures if one.stage not in after]
    stages = after if quantities == {compare.EVALUATION} else {definitions.PREDICTION}
    return [one for one in departures if one.stage in stages]


def odd_one_out(folder: RunFolder, configuration: Configuration) -> Cause | None:
    """The environment whose float64 predictions from this configuration's file differ from all others', where these agree;
    None where that is not so, or where fewer than three loaded it. Where it draws random numbers to predict, or keeps no
    memory, that is why."""
    loaded = _loaded(folder, configuration)
    for name in loaded if len(loaded) >= LEAST else ():
        others = [one for one in loaded if one != name]
        apart = all(_differ(loaded[name], loaded[one], folder, configuration) is True for one in others)
        alike = all(_differ(loaded[others[0]], loaded[one], folder, configuration) is False for one in others[1:])
        if apart and alike:
            told = _told(folder, configuration.scenario, name)
            if RANDOM_PREDICTIONS in told:
                return Cause(code=Code.DRAWS_IN_PREDICT, subject=name)
            if MEMORY_LOST in told:
                return Cause(code=Code.MEMORY_LOST, subject=name, detail=(("layer", told[MEMORY_LOST]),))
            place = layer_apart(folder, configuration.scenario, others[0], name)
            where = (("stage", "prediction"), *((("tensor", place.tensor),) if place else ()))
            detail = (("others", ", ".join(sorted(others))), *where, ("from", "one file"))
            return Cause(code=Code.ODD_ONE_OUT, subject=name, detail=detail)
    return None


def odd_of(folder: RunFolder, configuration: Configuration, pair: tuple[str, str]) -> Cause | None:
    """The same, if it is one of these two."""
    cause = odd_one_out(folder, configuration)
    return cause if cause is not None and cause.subject in pair else None


def moving(folder: RunFolder, scenario: str, pair: tuple[str, str]) -> Cause | None:
    """That one of two environments changes variables of the model where it predicts, as in training, and the other does
    not."""
    [a, b] = [set(_told(folder, scenario, name).get(PREDICT_MOVES, "").split(", ")) - {""} for name in pair]
    if bool(a) == bool(b):
        return None
    layers = dict.fromkeys(name.rpartition("/")[0] for name in sorted(a or b))
    return Cause(code=Code.MOVES_IN_PREDICT, subject=pair[0 if a else 1], detail=tuple(("layer", one) for one in layers))


def layer_apart(folder: RunFolder, scenario: str, a: str, b: str) -> Place | None:
    """The first layer, in the order of the calls, that returns something else in one of two environments where the model
    predicts, although equal numbers go into it. None if there is none, or if calls were not recorded in both."""
    alone = [folder.alone(scenario, name) for name in (a, b)]
    recorded = [folder.further(further_runs.layerwise(one)) for one in alone if one is not None]
    whole = [one for one in recorded if not isinstance(one, str)]
    if len(whole) < 2:
        return None
    mine = {call.name: arrays for call, arrays in recorded_calls.layers(whole[0], training=False)}
    for call, arrays in recorded_calls.layers(whole[1], training=False):
        other = mine.get(call.name, arrays)
        size = recorded_calls.gap(other, arrays, ("output",))
        came = recorded_calls.GROWS * recorded_calls.gap(other, arrays, recorded_calls.WENT_IN)
        if size >= max(equivalence.OTHER_SEMANTICS, came):
            ratio = size / equivalence.SAME_SEMANTICS
            layer = call.name.partition("#")[0]
            return Place(stage="prediction", tensor=layer, state=call.state, size=size, ratio=ratio)
    return None


def place(
    folder: RunFolder, scenario: str, pair: tuple[str, str], quantities: AbstractSet[str], runs: Sequence[Complete | str]
) -> Place | None:
    """Where two environments that train alike begin to predict or evaluate differently, as far as it is known. `runs`: those
    that the two are compared by."""
    if not trained_alike(quantities):
        return None
    whole = [run for run in runs if not isinstance(run, str)]
    if quantities == {compare.EVALUATION} and len(whole) == len(pair):
        return _evaluated_apart(whole[0], whole[1])
    return layer_apart(folder, scenario, *pair)


def _evaluated_apart(a: Complete, b: Complete) -> Place | None:
    """What two runs evaluate differently: the loss or a metric, the one that is farthest apart. None if there is none."""
    first, second = (side[0].arrays(names.EVALUATION) if names.has(side[1], names.EVALUATION) else {} for side in (a, b))
    sizes = {name: metrics.relative_l2(value, second[name]) for name, value in first.items() if name in second}
    tensor = max(sizes, key=lambda name: sizes[name], default="")
    if not tensor or not sizes[tensor] >= equivalence.SAME_SEMANTICS:
        return None
    size, state = sizes[tensor], str(a[1].steps[-1])
    return Place(
        stage=definitions.EVALUATION, tensor=tensor, state=state, size=size, ratio=size / equivalence.SAME_SEMANTICS
    )


def acts(cause: Cause) -> bool:
    """Whether a cause can show in a prediction, and not in training alone. A known defect may, if it was recorded where its
    outputs were right: of a bias that is still zero, the gradient alone shows what axis it is added along."""
    detail = dict(cause.detail)
    if cause.code == Code.DEFINITION and detail.get("what") not in ("layer", OPERATION):
        return False
    everywhere = any(one.id == detail.get("known") and "forward" in one.stages for one in DEFECTS)
    return cause.code != Code.CORNER and (everywhere or detail.get("stage") not in OF_TRAINING)


def _told(folder: RunFolder, scenario: str, environment: str) -> Mapping[str, str]:
    """The facts of the run on one device; none where there is no such run."""
    alone = folder.alone(scenario, environment)
    subject = folder.subject(alone) if alone else ""
    return {} if isinstance(subject, str) else subject.plain[1].facts


def _loaded(folder: RunFolder, configuration: Configuration) -> dict[str, compare.Snapshot]:
    """What each environment makes of the float64 run's file."""
    subject = folder.subject(configuration)
    if isinstance(subject, str) or subject.float64 is None:
        return {}
    run, manifest = plain(configuration, "float64"), subject.float64[1]
    environments = dict.fromkeys(one.environment for one in folder.configurations(configuration.scenario))
    found = {name: folder.reloaded(run, name, names.KERAS_FILE, manifest) for name in environments}
    return {name: one for name, one in found.items() if isinstance(one, compare.Snapshot)}


def _differ(a: compare.Snapshot, b: compare.Snapshot, folder: RunFolder, configuration: Configuration) -> bool | None:
    """None where it cannot be told."""
    subject = folder.subject(configuration)
    outputs = "" if isinstance(subject, str) else subject.outputs
    try:
        apart = compare.judged(compare.PREDICTIONS, a, b, outputs)
    except (DamagedArtifact, ValueError):
        return None
    return None if apart is None else apart >= equivalence.OTHER_SEMANTICS
