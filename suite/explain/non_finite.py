"""Where a training that reaches NaN or infinity makes it of finite numbers: the recorded calls of the step that does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from suite import compare
from suite.artifacts.artifact import Complete
from suite.explain import definitions, operations, recorded_calls
from suite.explain.backends import Backends
from suite.explain.recorded_calls import Arrays
from suite.judge.equivalence import SAME_SEMANTICS
from suite.records import LAYERWISE, OPERATION, REACHED, Configuration, Place, Provisioned, RecordedCall, Run

Call = tuple[RecordedCall, Mapping[str, Arrays]]


@dataclass(frozen=True, kw_only=True)
class Begin:
    """`place`: the stage and the layer, the loss or the update. `operation`: of `keras.ops`, inside the layer; "" if it is
    not known. `known`: the known defect that makes it where the definition does not; "" if it is none."""

    place: Place
    operation: str = ""
    known: str = ""

    @property
    def where(self) -> tuple[str, str, str]:
        return self.place.state, self.place.stage, self.place.tensor


def further(backends: Backends) -> list[Run]:
    """The runs that record the calls of the step by which an environment first reaches NaN or infinity."""
    wanted = [_recording(backends, configuration) for configuration in backends.folder.configurations(backends.scenario)]
    return [run for run in dict.fromkeys(wanted) if run is not None and not backends.folder.asked(run)]


def begin(backends: Backends, configuration: Configuration) -> Begin | None:
    """Where a run makes it; None if that is not known. One on several devices may make it where the same calls on one device
    do, which is looked for in the same step."""
    run = _recording(backends, configuration)
    found = backends.folder.further(run) if run else ""
    if isinstance(found, str):
        return None
    provisioned = definitions.environment_of(backends.folder, configuration.environment)
    return _begin(found, configuration.environment, provisioned)


def lost(backends: Backends, environments: Iterable[str]) -> tuple[str, ...]:
    """These environments, whose runs reach it, where another one of the model does not on one device; else none of them:
    then it is the model's."""
    names = tuple(dict.fromkeys(environments))
    others = [backends.folder.subject(one) for name, one in backends.alone.items() if name not in names]
    finite = any(not isinstance(one, str) and not compare.first_non_finite(one.plain) for one in others)
    return names if finite else ()


def _recording(backends: Backends, configuration: Configuration) -> Run | None:
    """On one device. None where nothing is reached, or where phases change what a step does."""
    subject, alone = backends.folder.subject(configuration), backends.alone.get(configuration.environment)
    if isinstance(subject, str) or subject.plain[1].phases or backends.folder.trajectory(backends.scenario) is None:
        return None
    step = compare.first_non_finite(subject.plain)
    return Run(configuration=alone, variation=LAYERWISE, index=REACHED + step - 1) if step and alone else None


def _begin(found: Complete, environment: str, provisioned: Provisioned | None) -> Begin | None:
    """The first call, in the order of a step, that makes it of finite numbers: forward, backward, update."""
    every = [(call, arrays) for call, arrays in recorded_calls.calls(found) if call.training]
    outer = [one for one in every if not one[0].inside]
    for stage, calls in _stages(outer):
        for call, arrays in calls:
            if _makes(stage, arrays):
                inside = [one for one in every if one[0].inside == call.name.partition("#")[0]]
                making = next(((one, made) for one, made in inside if _makes(stage, made)), None)
                known = definitions.lost_by(environment, call, arrays, stage, provisioned)
                if not known and making is not None:
                    known = operations.known_defect(*making, stage, provisioned)
                return replace(_named(stage, call, making[0].of if making else ""), known=known)
    return None


def _stages(calls: Sequence[Call]) -> Iterator[tuple[str, Iterable[Call]]]:
    """Gradients come from behind. That of a call before which nothing is trained goes nowhere."""
    yield "forward", [one for one in calls if one[0].kind in ("layer", OPERATION, "loss")]
    trained = [any(name.startswith("weight/") for name in arrays.get("gradient", {})) for _, arrays in calls]
    reached = [one for place, one in enumerate(calls) if any(trained[: place + 1]) and one[0].kind != "update"]
    yield "gradient", reversed(reached)
    yield "update", [one for one in calls if one[0].kind == "update"]


def _makes(stage: str, arrays: Mapping[str, Arrays]) -> bool:
    """Whether a call of finite numbers gives others."""
    given = (*recorded_calls.WENT_IN, "slot", *(("output", "cotangent") if stage == "gradient" else ()))
    given = (*given, "gradient") if stage == "update" else given
    made = ("gradient",) if stage == "gradient" else ("output", "state", "slot after")
    return _finite(arrays, given) and not _finite(arrays, made)


def _finite(arrays: Mapping[str, Arrays], parts: Iterable[str]) -> bool:
    return all(_is_small(value) for part in parts for value in arrays.get(part, {}).values())


def _is_small(value: np.ndarray) -> bool:
    """The largest number of a format stands for infinity: what is computed from it overflows."""
    limit = np.finfo(value.dtype).max if value.dtype.kind == "f" else np.inf
    return bool(np.all(np.abs(value) < limit))


def _named(stage: str, call: RecordedCall, operation: str) -> Begin:
    of = call.of if call.kind == OPERATION else operation
    stage = "loss" if call.kind == "loss" and stage == "forward" else stage
    tensor = call.name.partition("#")[0]
    place = Place(stage=stage, tensor=tensor, state=call.state, size=1.0, ratio=1.0 / SAME_SEMANTICS)
    return Begin(place=place, operation=f"keras.ops.{of}" if of else "")
