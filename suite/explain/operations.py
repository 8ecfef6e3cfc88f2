"""Which operation of `keras.ops` makes a layer of a user's, or the model itself, compute something else in one of two
environments: their recorded calls, each by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping

from suite.artifacts.artifact import Complete
from suite.compare.run_folder import RunFolder
from suite.explain import definitions, layer_gradients, recorded_calls
from suite.explain.recorded_calls import GROWS, WENT_IN, Arrays
from suite.judge.equivalence import SAME_SEMANTICS
from suite.records import OPERATION, Place, Provisioned, RecordedCall, Run
from suite.referee.defects.matching import known
from suite.referee.defects.records import Sighting

BACKWARD = "gradient"  # a stage

Detail = tuple[tuple[str, str], ...]  # of a cause


def detail(folder: RunFolder, odd: str, runs: Mapping[str, Run], place: Place) -> Detail:
    """A place, and the first operation there that gives something else in one environment than in another, although what
    goes into it is equal, with the known defect that it is; the place alone if there is none. `runs`: those that recorded
    their calls, by environment, the odd one and others that agree."""
    where = ("stage", place.stage), ("tensor", place.tensor)
    found = {name: one for name, run in runs.items() if not isinstance(one := folder.further(run), str)}
    mine = found.pop(odd, None)
    if mine is None:
        return where
    for other in found.values():
        if parted := _parted(mine, other, place):
            call, arrays = parted
            known = [_known(call, arrays, place.stage, definitions.environment_of(folder, name)) for name in (odd, *found)]
            defects = [("known", one) for one in known if one]  # of the others, if all but the odd one have it
            return *where, ("operation", f"keras.ops.{call.of}"), *defects[:1]
    return where


def _parted(odd: Complete, other: Complete, place: Place) -> tuple[RecordedCall, Mapping[str, Arrays]] | None:
    theirs = {(call.state, call.name): arrays for call, arrays in recorded_calls.calls(other) if call.kind == OPERATION}
    for call, arrays in recorded_calls.calls(odd):
        if call.kind != OPERATION or not _is_at(call, place) or (call.state, call.name) not in theirs:
            continue
        if _apart(theirs[call.state, call.name], arrays, place.stage):
            return call, arrays
    return None


def _is_at(call: RecordedCall, place: Place) -> bool:
    """Whether the place is the operation, or the layer that calls it, or a weight of that."""
    inside, there = call.inside or call.name.partition("#")[0], place.tensor.partition("#")[0]
    return there == inside or there.startswith(f"{inside}/")


def _apart(first: Mapping[str, Arrays], second: Mapping[str, Arrays], stage: str) -> bool:
    """Whether two calls of equal inputs part, in their gradients where these are what differs in the step."""
    if stage == BACKWARD:
        least = GROWS * recorded_calls.gap(first, second, layer_gradients.EQUAL)
        sizes = layer_gradients.gaps_of(first.get("gradient", {}), second.get("gradient", {})).values()
        return max(sizes, default=0.0) >= max(SAME_SEMANTICS, least)
    least = GROWS * recorded_calls.gap(first, second, WENT_IN)
    return recorded_calls.gap(first, second, ("output",)) >= max(SAME_SEMANTICS, least)


def _known(call: RecordedCall, arrays: Mapping[str, Arrays], stage: str, environment: Provisioned | None) -> str:
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
