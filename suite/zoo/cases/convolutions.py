"""Convolutions: plain, transposed, depthwise and separable, of one to three dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suite.records.zoo import Case
from suite.zoo.cases.families import FIRST, FORMATS, layers, picture
from suite.zoo.covering import Choice

# (rows, places, channels). With padding "same" and 4 filters, the last place of some has as many elements as filters.
PLACES = {
    1: [(2, (7,), 4), (1, (4,), 2), (3, (10,), 4)],
    2: [(2, (6, 5), 4), (1, (7, 4), 2), (2, (8, 9), 4)],
    3: [(1, (4, 5, 4), 2), (2, (5, 4, 6), 4)],
}
KERNELS: dict[int, list[Any]] = {1: [3, 1, 2, 4], 2: [3, 1, [2, 3], 4], 3: [2, 1, [3, 2, 1]]}
STRIDES: dict[int, list[Any]] = {1: [None, 2, 3], 2: [None, 2, [2, 1], 3], 3: [None, 2, [1, 2, 1]]}


def cases() -> Iterator[Case]:
    for rank in (1, 2, 3):
        yield from _plain(rank)
        yield from _transposed(rank)
    for rank in (1, 2):
        yield from _depthwise(rank)
        yield from _separable(rank)


def _build(choice: Choice) -> dict[str, Any]:
    rows, places, channels = choice["places"]
    return picture(choice, rows, places, channels)


def _either_strides_or_dilation(choice: Choice) -> bool:
    """No backend has both. A kernel must fit into its input, whatever its dilation."""
    dilation, strides = choice.get("dilation_rate"), choice.get("strides")
    if choice.get("padding") == "causal" and choice.get("data_format") == FIRST:
        return False
    if dilation and strides:
        return False
    size = choice["kernel_size"]
    reach = (max(size) if isinstance(size, list) else size) - 1
    widest = max(dilation) if isinstance(dilation, list) else dilation or 1
    return reach * widest < min(choice["places"][1]) or choice.get("padding") == "same"


def _plain(rank: int) -> Iterator[Case]:
    arguments = {
        "filters": [4, 2],
        "kernel_size": KERNELS[rank],
        "strides": STRIDES[rank],
        "padding": [None, "same", *(["causal"] if rank == 1 else [])],
        "data_format": FORMATS,
        "dilation_rate": [None, 2],
        "groups": [None, 2],
        "use_bias": [None, False],
        "activation": [None, "relu"],
    }
    yield from layers(
        [f"Conv{rank}D"],
        _build,
        arguments=arguments,
        about={"places": PLACES[rank]},
        allowed=_either_strides_or_dilation,
        strength=2 if rank == 3 else 3,
    )


def _transposed(rank: int) -> Iterator[Case]:
    def allowed(choice: Choice) -> bool:
        strides, extra = choice["strides"], choice["output_padding"]
        least = min(strides) if isinstance(strides, list) else strides or 1
        return _either_strides_or_dilation(choice) and (extra is None or extra < least)

    arguments = {
        "filters": [4, 2],
        "kernel_size": KERNELS[rank],
        "strides": STRIDES[rank],
        "padding": [None, "same"],
        "output_padding": [None, 1],
        "data_format": FORMATS,
        "dilation_rate": [None, 2],
        "use_bias": [None, False],
        "activation": [None, "tanh"],
    }
    yield from layers(
        [f"Conv{rank}DTranspose"], _build, arguments=arguments, about={"places": PLACES[rank]}, allowed=allowed
    )


def _depthwise(rank: int) -> Iterator[Case]:
    arguments = {
        "kernel_size": KERNELS[rank],
        "strides": [None, 2],
        "padding": [None, "same"],
        "depth_multiplier": [None, 2],
        "data_format": FORMATS,
        "dilation_rate": [None, 2],
        "use_bias": [None, False],
        "activation": [None, "relu"],
    }
    yield from layers(
        [f"DepthwiseConv{rank}D"],
        _build,
        arguments=arguments,
        about={"places": PLACES[rank]},
        allowed=_either_strides_or_dilation,
    )


def _separable(rank: int) -> Iterator[Case]:
    arguments = {
        "filters": [4, 3],
        "kernel_size": KERNELS[rank],
        "strides": [None, 2],
        "padding": [None, "same"],
        "depth_multiplier": [None, 2],
        "data_format": FORMATS,
        "dilation_rate": [None, 2],
        "use_bias": [None, False],
        "activation": [None, "relu"],
    }
    yield from layers(
        [f"SeparableConv{rank}D"],
        _build,
        arguments=arguments,
        about={"places": PLACES[rank]},
        allowed=_either_strides_or_dilation,
    )
