"""Poolings: over windows, over all places, and to a given size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suite.records.zoo import Case
from suite.zoo.cases.families import FORMATS, layers, padding, picture
from suite.zoo.covering import Choice

PLACES = {
    1: [(2, (7,), 3), (1, (6,), 2), (2, (4,), 5)],
    2: [(2, (6, 5), 3), (1, (7, 8), 2), (2, (4, 4), 5)],
    3: [(1, (4, 5, 6), 2), (2, (4, 4, 3), 3)],
}
SIZES: dict[int, list[Any]] = {1: [2, 3, 1], 2: [2, 3, [2, 3], 1], 3: [2, 3, [1, 2, 3]]}
STEPS: dict[int, list[Any]] = {1: [None, 1, 3], 2: [None, 1, [2, 1], 3], 3: [None, 1, 3]}
TARGETS: dict[int, list[Any]] = {1: [3, 1, 7, 5], 2: [[3, 2], [1, 1], [4, 5], 2], 3: [[2, 2, 2], [3, 1, 2]]}


def cases() -> Iterator[Case]:
    for rank in (1, 2, 3):
        yield from _windows(rank)
        yield from _whole(rank)
        yield from _adaptive(rank)


def _build(choice: Choice) -> dict[str, Any]:
    rows, places, channels = choice["places"]
    return picture(choice, rows, places, channels)


def _windows(rank: int) -> Iterator[Case]:
    arguments = {
        "pool_size": SIZES[rank],
        "strides": STEPS[rank],
        "padding": [None, "same"],
        "data_format": FORMATS,
    }
    yield from layers(
        [f"MaxPooling{rank}D", f"AveragePooling{rank}D"], _build, arguments=arguments, about={"places": PLACES[rank]}
    )


def _whole(rank: int) -> Iterator[Case]:
    def build(choice: Choice) -> dict[str, Any]:
        fields = _build(choice)
        if choice.get("masked"):
            rows, places, _ = choice["places"]
            fields["masks"] = (padding(rows, *places),)
        return fields

    arguments = {"keepdims": [None, True], "data_format": FORMATS}
    masked = {"masked": [False, True]} if rank == 1 else {}  # the average of one dimension alone takes a mask
    yield from layers([f"GlobalMaxPooling{rank}D"], _build, arguments=arguments, about={"places": PLACES[rank]})
    yield from layers([f"GlobalAveragePooling{rank}D"], build, arguments=arguments, about={"places": PLACES[rank], **masked})


def _adaptive(rank: int) -> Iterator[Case]:
    arguments = {"output_size": TARGETS[rank], "data_format": FORMATS}
    yield from layers(
        [f"AdaptiveAveragePooling{rank}D", f"AdaptiveMaxPooling{rank}D"],
        _build,
        arguments=arguments,
        about={"places": PLACES[rank]},
        allowed=lambda choice: _largest(choice["output_size"]) <= min(choice["places"][1]),
    )


def _largest(size: Any) -> int:
    return max(size) if isinstance(size, list) else int(size)
