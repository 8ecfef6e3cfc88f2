"""Which operation of `keras.ops` makes a layer of a user's, or the model itself, compute something else in one of two
environments: their recorded calls, each by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np

from suite.compare.run_folder import RunFolder
from suite.explain import definitions, layer_gradients, recorded_calls
from suite.explain.recorded_calls import GROWS, WENT_IN, Arrays
from suite.judge.equivalence import SAME_SEMANTICS
from suite.records import LOSS, OPERATION, Place, Provisioned, RecordedCall, Run
from suite.referee.defects.matching import known
from suite.referee.defects.records import Sighting

BACKWARD = "gradient"  # a stage
OF_PLACES = {"argmax": None, "argmin": None, "argsort": -1, "top_k": -1}  # operations that return places: along which axis

Detail = tuple[tuple[str, str], ...]  # of a cause


def detail(folder: RunFolder, runs: Mapping[str, Sequence[Run]], place: Place) -> Detail:
    """A place, and the first operation there that gives something else in one environment than in another, although what
    goes into it is equal, with the known defect that it is; the place alone if there is none. `runs`: those that recorded
    their calls, by environment, the odd one first, and then others that agree."""
    where = ("stage", place.stage), ("tensor", place.tensor)
    mine, *others = (_recorded(folder, of_one) for of_one in runs.values())
    for theirs in others:
        for key, (call, arrays) in mine.items():
            if key in theirs and _is_at(call, place) and _apart(theirs[key][1], arrays, place.stage):
                known = [known_defect(call, arrays, place.stage, definitions.environment_of(folder, name)) for name in runs]
                defects = [("known", one) for one in known if one]  # of the others, if all but the odd one have it
                equals = [("takes", "another of equal numbers")] if _of_equals(call, arrays, theirs[key][1]) else []
                return *where, ("operation", f"keras.ops.{call.of}"), *equals, *defects[:1]
    return where


def _recorded(folder: RunFolder, runs: Sequence[Run]) -> dict[tuple[str, str], tuple[RecordedCall, Mapping[str, Arrays]]]:
    """The calls of operations, by state and name."""
    whole = [found for run in runs if not isinstance(found := folder.further(run), str)]
    return {
        (call.state, call.name): (call, arrays)
        for found in whole
        for call, arrays in recorded_calls.calls(found)
        if call.kind == OPERATION
    }


def _is_at(call: RecordedCall, place: Place) -> bool:
    """Whether the place is the operation, or the layer that calls it, or a weight of that. A gradient that is wrong in the
    loss shows in the weights of all layers."""
    inside, there = call.inside or call.name.partition("#")[0], place.tensor.partition("#")[0]
    return there == inside or there.startswith(f"{inside}/") or (inside, place.stage) == (LOSS, BACKWARD)


def _apart(first: Mapping[str, Arrays], second: Mapping[str, Arrays], stage: str) -> bool:
    """Whether two calls of equal inputs part, in their gradients where these are what differs in the step."""
    if stage == BACKWARD:
        least = GROWS * recorded_calls.gap(first, second, layer_gradients.EQUAL)
        sizes = layer_gradients.gaps_of(first.get("gradient", {}), second.get("gradient", {})).values()
        return max(sizes, default=0.0) >= max(SAME_SEMANTICS, least)
    least = GROWS * recorded_calls.gap(first, second, WENT_IN)
    return recorded_calls.gap(first, second, ("output",)) >= max(SAME_SEMANTICS, least)


def _of_equals(call: RecordedCall, first: Mapping[str, Arrays], second: Mapping[str, Arrays]) -> bool:
    """Whether two calls return other places of one array, and the numbers there are equal: which of them is taken, no
    definition of the operation says."""
    given = list(first.get("input", {}).values())
    if call.of not in OF_PLACES or len(given) != 1:
        return False
    axis = json.loads(call.arguments).get("axis", OF_PLACES[call.of])
    pairs = zip(recorded_calls.outputs(first), recorded_calls.outputs(second), strict=True)
    return all(np.array_equal(_meant(given[0], mine, axis), _meant(given[0], other, axis)) for mine, other in pairs)


def _meant(values: np.ndarray, output: np.ndarray, axis: int | None) -> np.ndarray:
    """The numbers at these places; an output that is no places as it is."""
    if output.dtype.kind not in "iu":
        return output
    if axis is None:
        values, output, axis = values.reshape(-1), output.reshape(-1), 0
    places = output if output.ndim == values.ndim else np.expand_dims(output, axis)
    found: np.ndarray = np.take_along_axis(values, places.astype(np.int64), axis)
    return found


def known_defect(call: RecordedCall, arrays: Mapping[str, Arrays], stage: str, environment: Provisioned | None) -> str:
    """The known defect by which a call of an operation is off; empty if it is none."""
    if environment is None:
        return ""
    found = known(
        Sighting(
            kind=OPERATION,
            name=call.of,
            backend=environment.environment.backend,
            stage=BACKWARD if stage == BACKWARD else "forward",
            config=json.loads(call.arguments),
            shapes=[value.shape for value in arrays.get("input", {}).values()],
            packages=environment.packages,
            training=call.training,
        )
    )
    return found.id if found else ""
