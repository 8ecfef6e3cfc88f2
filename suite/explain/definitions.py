"""What departs from its independent definition: the recorded calls of layers, losses and updates against `suite.referee`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from suite.artifacts.artifact import Artifact
from suite.compare import metrics
from suite.compare.run_folder import RunFolder
from suite.explain import derivatives, recorded_calls
from suite.explain.derivatives import Corner, Derivative
from suite.explain.recorded_calls import Arrays
from suite.records import ASSIGNMENT, OPERATION, Cause, Code, DamagedArtifact, Place, Provisioned, RecordedCall, Run
from suite.referee import layers, losses, optimizers
from suite.referee.defects.matching import known
from suite.referee.defects.records import Sighting
from suite.referee.definition import Call, Undefined, Update

EVALUATION = "evaluation"  # stage: of a loss that `evaluate` gives, where training gave none of its predictions
PREDICTION = "prediction"  # stage: of a layer's call where the model predicts, if the layer is right where it trains
NAMED = ("layer", OPERATION, "regularizer", ASSIGNMENT)  # kinds of calls that have the name of a layer, or of its weight
SAME = 1e-10  # forward, in float64: the limit of float64 runs
GROWS = 100.0  # what an operation is off by so many times what moves its definition is not rounding
CANCELLED = 1e-14  # of the largest number that went in: sums that are 0 but for rounding end below it, in float64
FLOAT32_AT_MOST = 2.0**-20  # a few roundings of float32
ROUNDED = 2.0**-16  # of a call in float32: sums that cancel lose some digits everywhere


@dataclass(frozen=True, kw_only=True)
class Departure:
    """One recorded call that is not what its definition says. `stage`: of a training step. `tensor`: of it. `size`: the
    distance, relative. `state`: that the step started from. `training`: whether the call is part of it.
    `known`: the known defect that it is; empty if it is none.
    `narrow`: no more than float32 rounds, in a float64 run."""

    environment: str
    name: str
    of: str
    kind: str
    state: str
    stage: str
    tensor: str
    size: float
    training: bool = True
    known: str = ""

    @property
    def place(self) -> Place:
        """As single-step comparison would say it."""
        weight = self.tensor.removeprefix("weight/") if self.tensor.startswith("weight/") else ""
        tensor = self.tensor if self.kind not in NAMED else f"{self.name}/{weight}".rstrip("/")
        return Place(stage=self.stage, tensor=tensor, state=self.state, size=self.size, ratio=self.size / SAME)

    @property
    def narrow(self) -> bool:
        return self.size <= FLOAT32_AT_MOST and self.stage in ("forward", "gradient", "loss", EVALUATION, PREDICTION)

    def is_at(self, place: Place) -> bool:
        """Whether it is where two sides part: the same layer, or the loss or the update itself."""
        if self.stage == EVALUATION:
            return place.stage == EVALUATION
        if (self.stage == PREDICTION) != (place.stage == PREDICTION):
            return False
        if self.stage == "gradient" and place.stage != "gradient":
            return False  # in the step itself no gradient is off
        if self.kind not in NAMED:
            stages = {"loss": ("loss", "gradient"), "update": ("update", "optimizer state")}[self.kind]
            return place.stage in stages
        layer, there = self.name.partition("#")[0], place.tensor.partition("#")[0]
        inside = self.kind == OPERATION and layer.startswith(f"{there}/")
        return inside or there == layer or place.tensor.startswith(f"{layer}/")

    def is_alike(self, other: Departure) -> bool:
        """Whether another environment departs from the same definition at the same place: then it does not tell them
        apart."""
        places = [(side.name, side.stage, side.tensor) for side in (self, other)]
        return self.environment != other.environment and places[0] == places[1]


def explaining(departures: Sequence[Departure], place: Place) -> list[Departure]:
    """Those that are at this place. A layer that gets its gradient wrong shows in the weights of the layers before it."""
    backward = [one for one in departures if one.stage == place.stage == "gradient"]
    return [one for one in departures if one.is_at(place)] or backward


def without_repeats(departures: Sequence[Departure]) -> list[Departure]:
    """Of each known defect, the first: it shows wherever a class or an operation is used."""
    known = [one.known for one in departures]
    return [one for place, one in enumerate(departures) if not one.known or one.known not in known[:place]]


@dataclass(frozen=True, kw_only=True)
class Held:
    """One environment's calls held against their definitions. `defined`: how many were; `undefined`: the others, with the
    reason. `corners`: derivatives that a definition leaves open; `states`: those from which calls were recorded."""

    environment: str
    departures: tuple[Departure, ...] = ()
    corners: tuple[Corner, ...] = ()
    states: frozenset[str] = frozenset()
    defined: int = 0
    undefined: tuple[tuple[str, str], ...] = ()
    missing: str = ""


def cause(departure: Departure) -> Cause:
    """That this environment's layer, loss or optimizer departs from its definition."""
    of = f"keras.ops.{departure.of}" if departure.kind == OPERATION else departure.of
    detail = (("what", departure.kind), ("class", of), ("name", departure.name), ("stage", departure.stage))
    defect = (("known", departure.known),) if departure.known else ()
    return Cause(
        code=Code.DEFINITION,
        subject=departure.environment,
        detail=(*detail, *defect),
        evidence=(("distance", departure.size),),
    )


def together(first: Held, more: Held) -> Held:
    """The calls of two runs of one environment: what is defined and what is not is the same in both."""
    return replace(
        first,
        departures=(*first.departures, *more.departures),
        corners=(*first.corners, *more.corners),
        states=first.states | more.states,
    )


def held(folder: RunFolder, environment: str, run: Run) -> Held:
    """Every recorded call of this run against its definition; where there is none, why."""
    found = folder.further(run)
    if isinstance(found, str):
        return Held(environment=environment, missing=found)
    artifact, manifest = found
    known = _held(artifact.folder, tuple(sorted(manifest.files.items())), environment)
    if not known.departures:
        return known
    provisioned = environment_of(folder, environment)
    departures = [
        _known(one, call, arrays, provisioned)
        for call, arrays in recorded_calls.calls(found)
        for one in known.departures
        if (one.state, one.kind, one.name, one.training) == (call.state, call.kind, call.name, call.training)
    ]
    return replace(known, departures=tuple(departures))


@lru_cache(maxsize=64)
def _held(folder: Path, files: tuple[tuple[str, str], ...], environment: str) -> Held:
    """The same before known defects are looked for. `files`: what the artifact holds, by digest. Remembered: every round
    of runs asks again, and definitions are slow."""
    artifact = Artifact(folder)
    manifest = artifact.manifest()
    departures: list[Departure] = []
    corners: list[Corner] = []
    undefined: dict[str, str] = {}
    states: set[str] = set()
    defined = 0
    for call, arrays in recorded_calls.calls((artifact, manifest)) if manifest else ():
        states.add(call.state)
        try:
            with np.errstate(all="ignore"):  # what overflows in the run overflows in its definition
                found, gradients = _measured(call, arrays)
            departures += _departures(environment, call, found)
            corners += derivatives.corners(call, gradients)
            defined += 1
        except (Undefined, DamagedArtifact) as reason:
            undefined[call.inside or call.name] = str(reason)
        except Exception as error:  # a definition that fails on one call must not cost the verdicts of all others
            undefined[call.inside or call.name] = f"its definition failed: {type(error).__name__}: {error}"
    wrong = {one.name for one in departures if one.stage != PREDICTION}  # also where they predict
    return Held(
        environment=environment,
        departures=tuple(one for one in departures if one.stage != PREDICTION or one.name not in wrong),
        corners=tuple(corners),
        states=frozenset(states),
        defined=defined,
        undefined=tuple(undefined.items()),
    )


def forward(
    environment: str, call: RecordedCall, arrays: Mapping[str, Arrays], provisioned: Provisioned | None
) -> Departure | str:
    """How far what a layer's call returned is from its definition, with the known defect that it is, if it departs; or why
    there is no definition."""
    returned = recorded_calls.outputs(arrays)
    try:
        if not call.own:
            raise Undefined(f"{call.of} is not a class of Keras")
        with np.errstate(all="ignore"):  # as in `_held`
            answer = layers.call(recorded_calls.asked(call, arrays))
            sizes = [apart(made, defined) for made, defined in zip(returned, answer.settled(returned), strict=True)]
    except (Undefined, DamagedArtifact) as reason:
        return str(reason)
    except Exception as error:  # as in `_held`
        return f"its definition failed: {type(error).__name__}: {error}"
    found = _departure(environment, call, "forward", "output 0", max(sizes, default=0.0))
    double = all(made.dtype != np.float32 for made in returned)
    return _known(found, call, arrays, provisioned) if found.size >= (SAME if double else ROUNDED) else found


WENT_IN = ("input", "weight", "gradient", "slot")
# As known defects name them.
KINDS = {"update": "optimizer", ASSIGNMENT: "layer"}
STAGES = {
    "moving statistics": "state",
    "loss": "forward",
    EVALUATION: "forward",
    PREDICTION: "forward",
    "optimizer state": "slots",
}


def _known(one: Departure, call: RecordedCall, arrays: Mapping[str, Arrays], environment: Provisioned | None) -> Departure:
    """The same with the known defect that it is, if it is one."""
    if environment is None:
        return one
    explained = known(
        Sighting(
            kind=KINDS.get(call.kind, call.kind),
            name=one.of,
            backend=environment.environment.backend,
            stage="state" if call.kind == ASSIGNMENT else STAGES.get(one.stage, one.stage),
            config={**json.loads(call.config), **json.loads(call.arguments)},
            shapes=[value.shape for what in ("input", "argument") for value in arrays.get(what, {}).values()],
            packages=environment.packages,
            part=one.tensor,
            training=call.training,
            precision=_precision(arrays),
            masked="mask" in arrays,
            rows=bool(call.rows),
            dense=not any(f"{one.tensor}/".startswith(f"{name}/") for name in call.rows),
            integers=all(value.dtype.kind in "iu" for value in arrays.get("input", {}).values()),
            infinite=not all(metrics.finite(value) for what in WENT_IN for value in arrays.get(what, {}).values()),
        )
    )
    return one if explained is None else replace(one, known=explained.id)


def _precision(arrays: Mapping[str, Arrays]) -> str:
    returned = [value.dtype for value in arrays.get("output", {}).values() if value.dtype.kind == "f"]
    return "float32" if np.float32 in returned else "float64" if np.float64 in returned else ""


def lost_by(
    environment: str, call: RecordedCall, arrays: Mapping[str, Arrays], stage: str, provisioned: Provisioned | None
) -> str:
    """The known defect by which a call makes NaN or infinity where its definition gives finite numbers; empty if it is none,
    or if that is not known."""
    if call.kind == "update" or not call.own:
        return ""
    if stage != "gradient":
        found = forward(environment, call, arrays, provisioned)
        return "" if isinstance(found, str) else found.known
    try:
        with np.errstate(all="ignore"):  # as in `_held`
            departs = any(size >= 1.0 for _, size in derivatives.measured(call, arrays, [*derivatives.of(call, arrays)]))
    except Exception:  # as in `_held`: a definition that fails costs the name of a defect, and no verdict
        return ""
    lost = _departure(environment, call, stage, "", 1.0)
    return _known(lost, call, arrays, provisioned).known if departs else ""


def environment_of(folder: RunFolder, name: str) -> Provisioned | None:
    return next((one for one in folder.session.environments if one.environment.name == name), None)


def _departure(environment: str, call: RecordedCall, stage: str, tensor: str, size: float) -> Departure:
    return Departure(
        environment=environment,
        name=call.name,
        of=recorded_calls.class_of(call),
        kind=call.kind,
        state=call.state,
        stage=stage,
        tensor=tensor,
        size=size,
        training=call.training,
    )


Measured = tuple[str, str, float]  # stage, tensor, distance


def _measured(call: RecordedCall, arrays: Mapping[str, Arrays]) -> tuple[list[Measured], list[Derivative]]:
    """How far everything that a call makes is from its definition, in the order of a step, and its derivatives. Raises
    Undefined where there is no definition of the call."""
    if not call.own and call.kind != ASSIGNMENT:  # what anybody's layer assigns, `fit` is to keep
        raise Undefined(f"{call.of} is not a class of Keras")
    if not arrays:
        raise Undefined(f"it was not recorded: {call.reason}")
    made = list(MEASURES[call.kind](call, arrays))
    gradients = list(derivatives.of(call, arrays))
    off = (("gradient", tensor, size) for tensor, size in derivatives.measured(call, arrays, gradients))
    return [*made, *off], gradients


def _departures(environment: str, call: RecordedCall, measured: Sequence[Measured]) -> Iterator[Departure]:
    """What is off, of the first stage that is."""
    off = [one for one in measured if not one[2] < (derivatives.SAME_GRADIENT if one[0] == "gradient" else SAME)]
    for stage, tensor, size in off:
        if stage == off[0][0]:  # what comes later follows from it
            yield _departure(environment, call, stage, tensor, size)


def _of_layer(call: RecordedCall, arrays: Mapping[str, Arrays]) -> Iterator[Measured]:
    question = recorded_calls.asked(call, arrays)
    answer = layers.call(question)
    rounding = CANCELLED * max(
        (float(np.max(np.abs(one), initial=0.0)) for one in arrays.get("input", {}).values()), default=0.0
    )
    returned = recorded_calls.outputs(arrays)
    for place, (made, defined) in enumerate(zip(returned, answer.settled(returned), strict=True)):
        yield "forward" if call.training else PREDICTION, f"output {place}", apart(made, defined, rounding)
    for name, defined in answer.state.items() if call.training else ():
        if name in arrays.get("state", {}):
            yield "moving statistics", name, apart(arrays["state"][name], defined, rounding)


def _of_operation(call: RecordedCall, arrays: Mapping[str, Arrays]) -> Iterator[Measured]:
    """As of a layer. What an operation computes may hang on the last digits of what goes into it, as a difference of two
    numbers that are nearly equal does: it is off by nothing where it is no farther off than its definition is moved by these
    digits."""
    question = recorded_calls.asked(call, arrays)
    answer, moved = layers.call(question), layers.call(_moved(question))
    whole = zip(recorded_calls.outputs(arrays), answer.outputs, moved.outputs, strict=True)
    for place, (made, defined, other) in enumerate(whole):
        size, rounding = apart(made, defined), GROWS * apart(other, defined)
        yield "forward" if call.training else PREDICTION, f"output {place}", size if size > rounding else 0.0


def _moved(question: Call) -> Call:
    """The same with every other real number a little larger: of the next input, those between."""

    def larger(place: int, one: np.ndarray) -> np.ndarray:
        every_other = ((np.arange(one.size) + place) % 2).reshape(one.shape)
        return one * (1 + 2.0**-52 * every_other) if one.dtype.kind == "f" else one

    return replace(question, inputs=tuple(larger(place, one) for place, one in enumerate(question.inputs)))


def _of_loss(call: RecordedCall, arrays: Mapping[str, Arrays]) -> Iterator[Measured]:
    defined = np.asarray(losses.loss(recorded_calls.asked_loss(call, arrays)))
    yield "loss" if call.training else EVALUATION, "loss", apart(arrays["output"]["0"], defined)


def _of_update(call: RecordedCall, arrays: Mapping[str, Arrays]) -> Iterator[Measured]:
    updated = optimizers.update(
        Update(
            optimizer=call.of,
            config=json.loads(call.config),
            iteration=call.iteration,
            learning_rate=call.learning_rate,
            variables=arrays["input"],
            gradients=arrays["gradient"],
            slots=arrays.get("slot", {}),
        )
    )
    for name, before in arrays["input"].items():
        moved, defined = arrays["output"][name] - before, updated.variables[name] - before
        yield "update", name, apart(moved, defined)
    for name, defined in updated.slots.items():
        if name in arrays.get("slot after", {}):
            yield "optimizer state", name, apart(arrays["slot after"][name], defined)


def _of_assignment(_: RecordedCall, arrays: Mapping[str, Arrays]) -> Iterator[Measured]:
    """How far a trained weight is from what a call assigns, where `fit` leaves it as it was, bit for bit; 0 where it does
    not: what is drawn at random is assigned anew."""
    for name, before in arrays["input"].items():
        dropped = metrics.bits(arrays["output"][name], before)
        yield "update", name, apart(before, arrays["state"][name]) if dropped else 0.0


MEASURES = {
    "layer": _of_layer,
    OPERATION: _of_operation,
    "loss": _of_loss,
    "regularizer": _of_layer,
    "update": _of_update,
    ASSIGNMENT: _of_assignment,
}


def apart(made: np.ndarray, defined: np.ndarray, rounding: float = 0.0) -> float:
    """Relative L2; 1 where shapes differ, or where one is finite and the other is not. 0 where both are nothing but what
    `rounding` leaves of numbers that cancel, as the mean of what was centred before."""
    if made.shape != np.shape(defined):
        return 1.0
    defined = np.asarray(defined)
    if not np.array_equal(np.isfinite(made), np.isfinite(defined)):
        return 1.0
    finite = np.isfinite(made)
    if finite.all() and max(np.max(np.abs(made), initial=0.0), np.max(np.abs(defined), initial=0.0)) <= rounding:
        return 0.0
    return metrics.relative_l2(np.where(finite, made, 0.0), np.where(finite, defined, 0.0))
