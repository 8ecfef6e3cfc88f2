"""Layers that stand exactly at a corner of their definition, where two sides take different slopes: neither is wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from suite.explain.definitions import Held
from suite.explain.derivatives import Corner
from suite.records import Cause, Code, Place


def between(a: Held, b: Held, place: Place | None, odd: str) -> tuple[Cause, ...]:
    """Of two environments, where they part in a gradient: the same calls, and another slope in one of the two. `odd`: the
    environment that is alone with its slope, empty if none is."""
    if place is None:
        return ()
    mine = [one for one in a.corners if one.explains(place)]
    return _causes([one for one in mine if any(one.is_other(other) for other in b.corners)], odd)


def of_run(held: Held, place: Place | None, departing: Collection[str]) -> tuple[Cause, ...]:
    """Of a run that parts from what it declares in the gradient of a layer, and does so only in states in which that layer
    stands at a corner: compiled, it comes out on one side of it by rounding. `departing`: all states in which it parts."""
    if place is None or place.stage != "gradient":
        return ()
    here = [one for one in held.corners if one.is_of(place.tensor)]
    states = {one.state for one in here}
    only = place.state in departing and states.issuperset(departing)  # where nothing was measured, nothing departs
    return _causes(here, held.environment) if only else ()


def _causes(found: Iterable[Corner], odd: str) -> tuple[Cause, ...]:
    layers = dict.fromkeys(f"{one.name} ({one.of})" for one in found)
    if not layers:
        return ()
    detail = (*(("layer", layer) for layer in layers), *((("odd", odd),) if odd else ()))
    return (Cause(code=Code.CORNER, detail=detail),)  # no side is off: each takes a slope that is one
