"""Smaller cases: each step makes one thing of a case simpler."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from suite.records.zoo import Case, Values

Step = Callable[[Case], Case]

FLOATS = ("positive", "unit", "large mean", "saturated", "pixels")


def size(case: Case) -> tuple[int, int, int, int]:
    """Smaller is simpler. In this order: how many arguments and inputs the case has, what its arrays hold, how large they
    are, and the numbers in its arguments."""
    said = len(case.arguments) + len(case.call) + 10 * (len(case.inputs) + len(case.masks)) + 10 * case.training
    special = sum(one.holds in FLOATS for one in case.inputs)
    elements = sum(_product(one.shape) + len(one.shape) for one in case.inputs)
    return said, special, elements, _total(json.loads(case.arguments))


def _total(value: Any) -> int:
    """The sum of the whole numbers in a JSON value."""
    if isinstance(value, Mapping):
        return sum(map(_total, value.values()))
    if isinstance(value, list):
        return sum(map(_total, value))
    return abs(value) if isinstance(value, int) and not isinstance(value, bool) else 0


def _product(shape: Sequence[int]) -> int:
    total = 1
    for extent in shape:
        total *= extent
    return total


def steps(case: Case) -> list[Step]:
    """Everything that could be made simpler in this case, each as a function of a case; those come first that drop most. A
    step that does not fit a case leaves it as it is."""
    found = [*_of_call(case), *_of_arguments(case), *_of_inputs(case), *_of_shapes(case)]
    return [step for step in found if step(case) != case]


def _of_call(case: Case) -> Iterator[Step]:
    yield lambda one: replace(one, training=False)
    yield lambda one: replace(one, masks=())
    for place in range(len(case.masks)):
        yield partial(_without_mask, place)
    for name in json.loads(case.call):
        if case.kind == "layer":
            yield lambda one, name=name: replace(one, call=_dropped(one.call, name))  # type: ignore[misc]
    if case.kind == "optimizer":
        yield lambda one: replace(one, call=json.dumps({**json.loads(one.call), "size": 1.0}))
        yield partial(_fewer_updates, 1)
        yield partial(_fewer_updates, json.loads(case.call)["updates"] - 1)


def _without_mask(place: int, case: Case) -> Case:
    masks = tuple(None if at == place else mask for at, mask in enumerate(case.masks))
    return replace(case, masks=masks if any(masks) else ())


def _dropped(text: str, name: str) -> str:
    return json.dumps({key: value for key, value in json.loads(text).items() if key != name}, sort_keys=True)


def _fewer_updates(count: int, case: Case) -> Case:
    chosen = json.loads(case.call)
    return replace(case, call=json.dumps({**chosen, "updates": max(1, min(count, chosen["updates"]))}, sort_keys=True))


def _of_arguments(case: Case) -> Iterator[Step]:
    arguments = json.loads(case.arguments)
    for name, value in arguments.items():
        yield partial(_without_argument, name)
        for simpler in _simpler(value):
            yield partial(_with_argument, name, simpler)


def _without_argument(name: str, case: Case) -> Case:
    return replace(case, arguments=_dropped(case.arguments, name))


def _with_argument(name: str, value: Any, case: Case) -> Case:
    arguments = json.loads(case.arguments)
    return replace(case, arguments=json.dumps({**arguments, name: value}, sort_keys=True)) if name in arguments else case


def _simpler(value: Any) -> Iterator[Any]:
    """Simpler values of one argument: smaller numbers, a number for a list, and objects with less in them."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int) and value > 1:
        yield 1
        yield from (value // 2, value - 1) if value > 2 else ()
    elif isinstance(value, list) and value and all(isinstance(one, int) for one in value):
        yield value[0]
        if len(value) > 1:
            yield [1] * len(value)
    elif isinstance(value, list) and len(value) > 1:
        yield value[:1]
    elif isinstance(value, Mapping) and "config" in value:
        for name, inner in value["config"].items():
            yield {**value, "config": {key: one for key, one in value["config"].items() if key != name}}
            yield from ({**value, "config": {**value["config"], name: simpler}} for simpler in _simpler(inner))


def _of_inputs(case: Case) -> Iterator[Step]:
    if case.kind == "loss":
        yield lambda one: replace(one, inputs=one.inputs[:2])
    elif len(case.inputs) > 1:
        yield _first_input_only
        if case.kind == "optimizer" or case.passed == "list":
            for place in range(len(case.inputs)):
                yield partial(_without_input, place)
    for place, described in enumerate(case.inputs):
        if described.holds in FLOATS and case.kind == "layer":
            yield partial(_normal, place)


def _first_input_only(case: Case) -> Case:
    return replace(case, inputs=case.inputs[:1], masks=case.masks[:1] if any(case.masks[:1]) else (), passed="each")


def _without_input(place: int, case: Case) -> Case:
    if len(case.inputs) < 2 or place >= len(case.inputs):
        return case
    kept = [at for at in range(len(case.inputs)) if at != place]
    masks = tuple(case.masks[at] for at in kept) if case.masks else ()
    return replace(case, inputs=tuple(case.inputs[at] for at in kept), masks=masks if any(masks) else ())


def _normal(place: int, case: Case) -> Case:
    inputs = tuple(
        replace(one, holds="normal") if at == place and one.holds in FLOATS else one for at, one in enumerate(case.inputs)
    )
    return replace(case, inputs=inputs)


def _of_shapes(case: Case) -> Iterator[Step]:
    """An axis less; every extent smaller, in all arrays that have it at the same axis."""
    for axis in range(1, max((len(one.shape) for one in case.inputs), default=0) - 1):
        yield partial(_without_axis, axis)
    extents = {(axis, extent) for one in case.inputs for axis, extent in enumerate(one.shape) if extent > 1}
    for axis, extent in sorted(extents):
        for smaller in dict.fromkeys((1, extent // 2, extent - 1)):
            yield partial(_resized, axis, extent, smaller)


def _without_axis(axis: int, case: Case) -> Case:
    def reduced(one: Values | None) -> Values | None:
        if one is None or len(one.shape) <= axis + 1:
            return one
        return replace(one, shape=(*one.shape[:axis], *one.shape[axis + 1 :]))

    inputs = tuple(one for one in map(reduced, case.inputs) if one is not None)
    return replace(case, inputs=inputs, masks=tuple(map(reduced, case.masks)))


def _resized(axis: int, extent: int, smaller: int, case: Case) -> Case:
    def resize(one: Values | None) -> Values | None:
        if one is None or len(one.shape) <= axis or one.shape[axis] != extent:
            return one
        return replace(one, shape=(*one.shape[:axis], smaller, *one.shape[axis + 1 :]))

    inputs = tuple(one for one in map(resize, case.inputs) if one is not None)
    return replace(case, inputs=inputs, masks=tuple(map(resize, case.masks)))
