"""Poolings: over windows, over everything, and adaptive to a size of the output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import numpy as np

from suite.referee.definition import Answer, Array, Call, Definition, Undefined
from suite.referee.layers.windows import Window, channels_as_configured, channels_last, each, places


def max_pooling(asked: Call) -> Answer:
    """MaxPooling1D to MaxPooling3D: y[n, o, c] = max over places k of x[n, o * strides + k - before, c].

    What lies outside of the input is never the largest. Source: Keras documentation, MaxPooling2D; ONNX MaxPool.
    """
    x, window = _input(asked)
    smallest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    largest = reduce(np.maximum, (values for _, values in places(x, window, fill=smallest)))
    return Answer(outputs=(channels_as_configured(largest, asked.config),))


def average_pooling(asked: Call) -> Answer:
    """AveragePooling1D to AveragePooling3D: the mean of the input elements in the window; what lies outside does not count.

    y[n, o, c] = sum over places k of x[n, o * strides + k - before, c] / number of places inside of the input.
    Source: Keras documentation, AveragePooling2D; ONNX AveragePool with `count_include_pad=0`.
    """
    _refuse_integers(asked)
    x, window = _input(asked)
    total = sum(values for _, values in places(x, window))
    count = sum(values for _, values in places(np.ones_like(x), window))
    return Answer(outputs=(channels_as_configured(np.asarray(total / count), asked.config),))


def _input(asked: Call) -> tuple[Array, Window]:
    (x,) = asked.inputs
    axes = x.ndim - 2
    window = Window(
        size=each(asked.config["pool_size"], axes),
        strides=each(asked.config["strides"], axes),
        dilation=(1,) * axes,
        padding=asked.config["padding"],
    )
    return channels_last(x, asked.config), window


def _refuse_integers(asked: Call) -> None:
    (x,) = asked.inputs
    if x.dtype.kind != "f":
        raise Undefined(f"its input is of type {x.dtype}, and only the average of real numbers is defined")


def global_max_pooling(asked: Call) -> Answer:
    """GlobalMaxPooling1D to GlobalMaxPooling3D: y[n, c] = max over all positions p of x[n, p, c].

    With `keepdims` the spatial axes stay, of length 1. Source: Keras documentation, GlobalMaxPooling2D; ONNX GlobalMaxPool.
    """
    (x,) = asked.inputs
    return Answer(outputs=(x.max(axis=_spatial(asked), keepdims=asked.config.get("keepdims", False)),))


def global_average_pooling(asked: Call) -> Answer:
    """GlobalAveragePooling1D to GlobalAveragePooling3D: y[n, c] = mean over all positions p of x[n, p, c].

    In one dimension a mask (rows, steps) leaves out steps: y[n, c] = sum over p of mask[n, p] * x[n, p, c] / sum over p of
    mask[n, p]. With `keepdims` the spatial axes stay, of length 1.
    Source: Keras documentation, GlobalAveragePooling1D and 2D; ONNX GlobalAveragePool.
    """
    _refuse_integers(asked)
    (x,), axes = asked.inputs, _spatial(asked)
    mask = asked.masks[0] if asked.masks and asked.layer == "GlobalAveragePooling1D" else None
    counted = np.ones(x.shape, bool) if mask is None else np.broadcast_to(_over_channels(mask, asked), x.shape)
    keepdims = asked.config.get("keepdims", False)
    with np.errstate(invalid="ignore"):  # a row whose steps are all left out has no mean
        mean = np.where(counted, x, 0.0).sum(axis=axes, keepdims=keepdims) / counted.sum(axis=axes, keepdims=keepdims)
    return Answer(outputs=(np.asarray(mean),))


def _over_channels(mask: Array, asked: Call) -> Array:
    return np.expand_dims(mask.astype(bool), 1 if asked.config["data_format"] == "channels_first" else -1)


def _spatial(asked: Call) -> tuple[int, ...]:
    axes = asked.inputs[0].ndim
    return tuple(range(2, axes)) if asked.config["data_format"] == "channels_first" else tuple(range(1, axes - 1))


def adaptive_max_pooling(asked: Call) -> Answer:
    """AdaptiveMaxPooling1D to AdaptiveMaxPooling3D: the maximum over the windows of `_adaptive`."""
    return _adaptive(asked, np.max)


def adaptive_average_pooling(asked: Call) -> Answer:
    """AdaptiveAveragePooling1D to AdaptiveAveragePooling3D: the mean over the windows of `_adaptive`."""
    _refuse_integers(asked)
    return _adaptive(asked, np.mean)


def _adaptive(asked: Call, summary: Callable[..., Array]) -> Answer:
    """Output i of m, on an axis of n elements, covers the elements from floor(i n / m) to ceil((i + 1) n / m) - 1.

    Source: PyTorch documentation, AdaptiveAvgPool2d; He et al. 2014, "Spatial pyramid pooling in deep convolutional
    networks", section 2.2. Keras documents the size of the output only.
    """
    x = channels_last(asked.inputs[0], asked.config)
    sizes = each(asked.config["output_size"], x.ndim - 2)
    y = np.empty((x.shape[0], *sizes, x.shape[-1]), x.dtype)
    for position in np.ndindex(*sizes):
        y[(slice(None), *position)] = summary(_covered(x, position, sizes), axis=tuple(range(1, x.ndim - 1)))
    return Answer(outputs=(channels_as_configured(y, asked.config),))


def _covered(x: Array, position: Sequence[int], sizes: Sequence[int]) -> Array:
    along = [
        slice(at * length // size, -(-(at + 1) * length // size))
        for at, size, length in zip(position, sizes, x.shape[1:-1], strict=True)
    ]
    return x[(slice(None), *along)]


LAYERS: Mapping[str, Definition] = {
    f"{name}{axes}D": definition
    for axes in (1, 2, 3)
    for name, definition in (
        ("MaxPooling", max_pooling),
        ("AveragePooling", average_pooling),
        ("GlobalMaxPooling", global_max_pooling),
        ("GlobalAveragePooling", global_average_pooling),
        ("AdaptiveMaxPooling", adaptive_max_pooling),
        ("AdaptiveAveragePooling", adaptive_average_pooling),
    )
}
