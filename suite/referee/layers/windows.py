"""Windows that slide over the spatial axes of an input, as convolutions and poolings use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.referee.definition import Array, Undefined

Place = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Window:
    """A window over each spatial axis. `padding`: "valid", "same" or "causal"."""

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str

    @property
    def reach(self) -> tuple[int, ...]:
        """How many input elements the window spans on each axis: (size - 1) * dilation + 1."""
        return tuple((size - 1) * step + 1 for size, step in zip(self.size, self.dilation, strict=True))


def each(value: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """One integer for each axis: a single one holds for all."""
    return (value,) * axes if isinstance(value, int) else tuple(value)


def channels_last(x: Array, config: Mapping[str, Any]) -> Array:
    """(rows, *spatial, channels), whatever the layer's data format."""
    return np.moveaxis(x, 1, -1) if config["data_format"] == "channels_first" else x


def channels_as_configured(x: Array, config: Mapping[str, Any]) -> Array:
    """The inverse of `channels_last`."""
    return np.moveaxis(x, -1, 1) if config["data_format"] == "channels_first" else x


def margins(lengths: Sequence[int], window: Window) -> list[tuple[int, int]]:
    """How many elements each spatial axis is padded by, before and after.

    "same": an axis of n elements gives ceil(n / stride) outputs. It is padded by as little as that takes; an odd element
    goes to the end (ONNX Conv, `auto_pad=SAME_UPPER`). "causal": by reach - 1 before (Keras documentation, Conv1D).
    """
    if window.padding == "valid":
        return [(0, 0) for _ in lengths]
    if window.padding == "causal":
        return [(reach - 1, 0) for reach in window.reach]
    if window.padding != "same":
        raise Undefined(f'its padding is "{window.padding}", and only "valid", "same" and "causal" are defined')
    totals = [
        max((-(-length // stride) - 1) * stride + reach - length, 0)
        for length, stride, reach in zip(lengths, window.strides, window.reach, strict=True)
    ]
    return [(total // 2, total - total // 2) for total in totals]


def places(x: Array, window: Window, fill: float = 0.0) -> Iterator[tuple[Place, Array]]:
    """What lies at each place of the window, for all positions of the window at once.

    `x`: (rows, *spatial, channels). Yields a place in the window, and the input elements there: (rows, *outputs,
    channels), with `fill` outside of the input.

    Raises:
        Undefined: the window is larger than the padded input.
    """
    around = margins(x.shape[1:-1], window)
    padded = np.pad(x, [(0, 0), *around, (0, 0)], constant_values=fill)
    spans = [length - reach for length, reach in zip(padded.shape[1:-1], window.reach, strict=True)]
    if min(spans) < 0:
        raise Undefined(f"a window of {window.reach} elements is larger than the input of {padded.shape[1:-1]}")
    for place in np.ndindex(*window.size):
        starts = [index * step for index, step in zip(place, window.dilation, strict=True)]
        along = [slice(at, at + span + 1, stride) for at, span, stride in zip(starts, spans, window.strides, strict=True)]
        yield place, padded[(slice(None), *along)]
