"""Layers that move, repeat, cut and pad elements, and compute nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from suite.referee.definition import Answer, Array, Call, Definition

Pair = tuple[int, int]


def flatten(asked: Call) -> Answer:
    """Flatten: (rows, all other elements in the order channels last). Source: Keras documentation, Flatten."""
    (x,) = asked.inputs
    if asked.config.get("data_format") == "channels_first" and x.ndim > 1:
        x = np.moveaxis(x, 1, -1)
    return Answer(outputs=(x.reshape(len(x), -1),))


def reshape(asked: Call) -> Answer:
    """Reshape: (rows, *target_shape), in C order; one length of -1 is what remains. Source: Keras documentation, Reshape."""
    (x,) = asked.inputs
    return Answer(outputs=(x.reshape(len(x), *asked.config["target_shape"]),))


def permute(asked: Call) -> Answer:
    """Permute: axis i of the output is axis dims[i - 1] of the input; rows stay. Source: Keras documentation, Permute."""
    (x,) = asked.inputs
    return Answer(outputs=(np.transpose(x, (0, *asked.config["dims"])),))


def repeat_vector(asked: Call) -> Answer:
    """RepeatVector: y[r, i, c] = x[r, c] for i below n. Source: Keras documentation, RepeatVector."""
    (x,) = asked.inputs
    return Answer(outputs=(np.stack([x] * asked.config["n"], axis=1),))


def zero_padding(asked: Call) -> Answer:
    """ZeroPadding1D to ZeroPadding3D: `padding` zeros before and after each spatial axis.

    Source: Keras documentation, ZeroPadding2D; ONNX Pad.
    """
    (x,) = asked.inputs
    around = [(0, 0)] * x.ndim
    for axis, pair in zip(_spatial(asked), _pairs(asked.config["padding"]), strict=True):
        around[axis] = pair
    return Answer(outputs=(np.pad(x, around),))


def cropping(asked: Call) -> Answer:
    """Cropping1D to Cropping3D: leaves out `cropping` elements at the start and the end of each spatial axis.

    Source: Keras documentation, Cropping2D; ONNX Slice.
    """
    (x,) = asked.inputs
    for axis, (start, end) in zip(_spatial(asked), _pairs(asked.config["cropping"]), strict=True):
        x = np.take(x, np.arange(start, x.shape[axis] - end), axis=axis)
    return Answer(outputs=(x,))


def repeated(x: Array, size: Sequence[int], axes: Sequence[int]) -> Array:
    """y[i] = x[i // size] on each of these axes."""
    for axis, times in zip(axes, size, strict=True):
        x = np.take(x, np.arange(x.shape[axis] * times) // times, axis=axis)
    return x


def up_sampling(asked: Call) -> Answer:
    """UpSampling1D, UpSampling3D: y[i] = x[i // size] on each spatial axis. Source: Keras documentation, UpSampling3D."""
    (x,), size = asked.inputs, asked.config["size"]
    return Answer(outputs=(repeated(x, [size] if isinstance(size, int) else size, _spatial(asked)),))


def _spatial(asked: Call) -> range:
    axes = asked.inputs[0].ndim
    return range(2, axes) if asked.config.get("data_format") == "channels_first" else range(1, axes - 1)


def _pairs(config: Sequence[Any]) -> list[Pair]:
    """[before, after] for one axis, or one such pair for each."""
    pairs = [config] if isinstance(config[0], int) else config
    return [(before, after) for before, after in pairs]


LAYERS: Mapping[str, Definition] = {
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "RepeatVector": repeat_vector,
    "UpSampling1D": up_sampling,
    "UpSampling3D": up_sampling,
    **{f"ZeroPadding{axes}D": zero_padding for axes in (1, 2, 3)},
    **{f"Cropping{axes}D": cropping for axes in (1, 2, 3)},
}
