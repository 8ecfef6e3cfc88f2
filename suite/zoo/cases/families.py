"""How a table of arguments becomes cases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from suite.records.zoo import Case, Values
from suite.zoo.covering import Choice, covering

Options = Mapping[str, Sequence[Any]]
Table = dict[str, Sequence[Any]]
Build = Callable[[Choice], dict[str, Any]]

FIRST = "channels_first"
FORMATS = (None, FIRST)  # an argument that is None is left out: it has its default
NONE = object()  # an argument that is given as None


def family(
    kind: str,
    name: str,
    build: Build,
    *,
    arguments: Options | None = None,
    about: Options | None = None,
    allowed: Callable[[Choice], bool] = lambda choice: True,
    strength: int = 2,
) -> Iterator[Case]:
    """The cases of one class: choices that cover every pair of values of `arguments`, which the constructor gets, and of
    `about`, which says what the call is like.

    An argument that is None is left out, so that it has Keras's default. `build` makes the other fields of the case from
    a choice. A choice about "training" is passed on.
    """
    arguments, about = arguments or {}, about or {}
    for choice in covering({**arguments, **about}, allowed, strength):
        given = {key: None if choice[key] is NONE else choice[key] for key in arguments if choice[key] is not None}
        fields = {"training": choice.get("training", False), **build(choice)}
        yield Case(kind=kind, name=name, arguments=json.dumps(given, sort_keys=True), **fields)


def layers(names: Sequence[str], build: Build, **tables: Any) -> Iterator[Case]:
    """The same table for several layers."""
    for name in names:
        yield from family("layer", name, build, **tables)


def one(*shape: int, holds: str = "normal", below: int = 0) -> dict[str, Any]:
    """A single input."""
    return {"inputs": (Values(shape=shape, holds=holds, below=below),)}


def picture(choice: Choice, rows: int, places: Sequence[int], channels: int, holds: str = "normal") -> dict[str, Any]:
    """A single input (rows, places..., channels), or (rows, channels, places...) if the choice is channels_first."""
    first = choice.get("data_format") == FIRST
    return one(rows, *((channels, *places) if first else (*places, channels)), holds=holds)


def nested(name: str, **config: Any) -> dict[str, Any]:
    """An object as the argument of another."""
    return {"class_name": name, "config": config}


def padding(*shape: int) -> Values:
    return Values(shape=shape, holds="padding")
