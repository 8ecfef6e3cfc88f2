"""Layers with several inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suite.records.zoo import Case, Values
from suite.zoo.cases.families import layers
from suite.zoo.covering import Choice

SHAPES = [[(3, 4)] * 2, [(2, 3, 4)] * 3, [(2, 3, 4), (2, 1, 4)], [(2, 3, 4), (2, 4)]]


def cases() -> Iterator[Case]:
    def build(choice: Choice) -> dict[str, Any]:
        return _list(*choice["shapes"])

    yield from layers(["Add", "Multiply", "Average", "Maximum", "Minimum"], build, about={"shapes": SHAPES})
    yield from layers(["Subtract"], build, about={"shapes": [SHAPES[0], *SHAPES[2:]]})
    yield from layers(
        ["Concatenate"],
        build,
        arguments={"axis": [None, 1]},
        about={"shapes": [[(3, 4)] * 2, [(2, 3, 4)] * 3, [(2, 1, 4), (2, 2, 4)], [(2, 3, 1), (2, 3, 2)]]},
        allowed=lambda choice: _differ(choice["shapes"]) in (None, choice["axis"] or 2),
    )
    yield from _dot()


def _list(*shapes: tuple[int, ...]) -> dict[str, Any]:
    return {"inputs": tuple(Values(shape=shape) for shape in shapes), "passed": "list"}


def _differ(shapes: list[tuple[int, ...]]) -> int | None:
    """The only axis in which these shapes differ; None if there is none."""
    return next((axis for axis, sizes in enumerate(zip(*shapes, strict=True)) if len(set(sizes)) > 1), None)


def _dot() -> Iterator[Case]:
    pairs = [
        ((3, 4), (3, 4), 1),
        ((2, 3, 4), (2, 3, 5), 1),
        ((2, 3, 4), (2, 5, 4), 2),
        ((2, 3, 4), (2, 4, 5), [2, 1]),
        ((2, 3, 4), (2, 4), [2, 1]),
        ((2, 3, 4), (2, 4, 3), -1),
    ]

    def build(choice: Choice) -> dict[str, Any]:
        return _list(*_pair(choice))

    def _pair(choice: Choice) -> tuple[tuple[int, ...], tuple[int, ...]]:
        first, second, _ = choice["pair"]
        return first, second

    for pair in pairs[:-1]:
        yield from layers(["Dot"], build, arguments={"axes": [pair[2]], "normalize": [None, True]}, about={"pair": [pair]})
    yield from layers(
        ["Dot"], lambda choice: _list((2, 3, 4), (2, 5, 4)), arguments={"axes": [-1], "normalize": [None, True]}
    )
