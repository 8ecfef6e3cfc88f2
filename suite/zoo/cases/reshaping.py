"""Layers that move, repeat, pad, cut or resize what they get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suite.records.zoo import Case
from suite.zoo.cases.families import FORMATS, layers, one, picture
from suite.zoo.covering import Choice

PLACES = {1: [(2, (6,), 3), (1, (7,), 2)], 2: [(2, (6, 5), 3), (1, (7, 6), 2)], 3: [(1, (4, 5, 6), 2), (2, (5, 4, 4), 1)]}


def cases() -> Iterator[Case]:
    yield from _shapes()
    for rank in (1, 2, 3):
        yield from _borders(rank)
        yield from _sizes(rank)
    yield from _resizing()


def _build(choice: Choice) -> dict[str, Any]:
    rows, places, channels = choice["places"]
    return picture(choice, rows, places, channels, holds=choice.get("holds", "normal"))


def _shapes() -> Iterator[Case]:
    def build(choice: Choice) -> dict[str, Any]:
        return one(*choice["shape"])

    shapes = {"shape": [(2, 3, 4), (1, 6, 2)]}
    yield from layers(["Reshape"], build, arguments={"target_shape": [[12], [6, -1], [2, 3, 2]]}, about=shapes)
    yield from layers(["Permute"], build, arguments={"dims": [[2, 1], [1, 2]]}, about=shapes)
    yield from layers(
        ["Flatten"], build, arguments={"data_format": FORMATS}, about={"shape": [(2, 3, 4), (2, 3, 4, 2), (3, 4)]}
    )
    yield from layers(["RepeatVector"], build, arguments={"n": [3, 1]}, about={"shape": [(2, 4), (1, 3)]})
    yield from layers(["Identity"], build, about=shapes)
    yield from layers(["Masking"], build, arguments={"mask_value": [None, 1.0]}, about=shapes)


def _borders(rank: int) -> Iterator[Case]:
    each: dict[int, list[Any]] = {
        1: [1, [1, 2], [0, 1]],
        2: [1, [1, 2], [[0, 1], [2, 1]]],
        3: [1, [1, 0, 1], [[0, 1], [1, 1], [1, 0]]],
    }
    formats = {"data_format": FORMATS} if rank > 1 else {}
    padding = {"padding": each[rank], "data_format": FORMATS}
    yield from layers([f"ZeroPadding{rank}D"], _build, arguments=padding, about={"places": PLACES[rank]})
    yield from layers(
        [f"Cropping{rank}D"], _build, arguments={"cropping": each[rank], **formats}, about={"places": PLACES[rank]}
    )


def _sizes(rank: int) -> Iterator[Case]:
    sizes: dict[int, list[Any]] = {1: [None, 3, 1], 2: [None, 3, [2, 3]], 3: [None, [1, 2, 3]]}
    arguments: dict[str, list[Any]] = {"size": sizes[rank]}
    if rank > 1:
        arguments["data_format"] = list(FORMATS)
    if rank == 2:
        arguments["interpolation"] = [None, "bilinear", "bicubic", "lanczos3", "lanczos5"]
    yield from layers([f"UpSampling{rank}D"], _build, arguments=arguments, about={"places": PLACES[rank]})


def _resizing() -> Iterator[Case]:
    arguments = {
        "height": [4, 9, 6, 1],
        "width": [5, 3, 11, 1],
        "interpolation": [None, "nearest", "bicubic", "lanczos3", "lanczos5"],
        "crop_to_aspect_ratio": [None, True],
        "pad_to_aspect_ratio": [None, True],
        "antialias": [None, True],
        "data_format": FORMATS,
    }

    def allowed(choice: Choice) -> bool:
        return not (choice["crop_to_aspect_ratio"] and choice["pad_to_aspect_ratio"])

    about = {"places": [(2, (6, 5), 3), (1, (7, 8), 2), (2, (6, 10), 1)], "holds": ["pixels", "normal"]}
    yield from layers(["Resizing"], _build, arguments=arguments, about=about, allowed=allowed)
    crop = {"height": [4, 3, 8], "width": [3, 4, 9], "data_format": FORMATS}
    yield from layers(["CenterCrop"], _build, arguments=crop, about=about)
    scales = {"scale": [0.5, 1 / 255, [0.5, 0.25, 2.0]], "offset": [None, 0.5]}
    yield from layers(["Rescaling"], lambda choice: one(2, 3, 4, 3, holds="pixels"), arguments=scales)
