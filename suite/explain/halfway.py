"""Numbers that are halfway between two integers: backends round them to either, and neither is wrong."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suite.artifacts.artifact import Complete
from suite.explain import recorded_calls
from suite.explain.recorded_calls import Arrays
from suite.records import Cause, Code, Place, RecordedCall
from suite.referee import layers


def between(a: Complete, b: Complete, place: Place | None) -> tuple[Cause, ...]:
    """That two environments part in what a layer returns because of it: the same call, with the same inputs, and other
    integers only where its definition leaves them open. `a`, `b`: what they recorded of their calls."""
    if place is None or place.stage not in ("forward", "prediction"):
        return ()
    training = place.stage == "forward"
    theirs = {(call.state, call.name): arrays for call, arrays in recorded_calls.layers(b, training=training)}
    for call, mine in recorded_calls.layers(a, training=training):
        other = theirs.get((call.state, call.name))
        if call.name == place.tensor and other is not None and _open(call, mine, other):
            return (Cause(code=Code.HALFWAY, detail=(("layer", f"{call.name} ({call.of})"),)),)
    return ()


def _open(call: RecordedCall, mine: Mapping[str, Arrays], other: Mapping[str, Arrays]) -> bool:
    equal = not recorded_calls.gap(mine, other, recorded_calls.WENT_IN)
    if not call.own or not equal or not recorded_calls.gap(mine, other, ("output",)):
        return False
    try:
        answer = layers.call(recorded_calls.asked(call, mine))
    except Exception:  # a definition that fails, or that is none, costs the name of a cause, and no verdict
        return False
    sides = [recorded_calls.outputs(one) for one in (mine, other)]
    return all(
        np.array_equal(made, settled) for side in sides for made, settled in zip(side, answer.settled(side), strict=True)
    )
