"""Convolutions: plain, transposed, depthwise and separable, over one to three spatial axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from suite.referee.activations import activation
from suite.referee.definition import Answer, Array, Call, Definition, Undefined
from suite.referee.layers.refusals import refuse_other_weights
from suite.referee.layers.windows import Window, channels_as_configured, channels_last, each, places


def convolution(asked: Call) -> Answer:
    """Conv1D, Conv2D, Conv3D.

    y[n, o, f] = activation(sum over places k and channels c of x[n, o * strides + k * dilation - before, c] *
    kernel[k, c, f] + bias[f]). Outside of the input x is 0; `before` is the padding. With g groups, the channels and the
    filters are cut into g equal parts, and each part of the filters sees its own part of the channels.

    kernel: (*size, channels / groups, filters); bias: (filters,). Source: Keras documentation, Conv1D to Conv3D; ONNX Conv.
    """
    x, window = _input(asked)
    kernel = asked.weights["kernel"]
    groups = asked.config.get("groups", 1)
    total = sum(_by_groups(values, kernel[place], groups) for place, values in places(x, window))
    return _finished(np.asarray(total), asked)


def _by_groups(values: Array, kernel: Array, groups: int) -> Array:
    """(..., channels) and (channels / groups, filters) give (..., filters)."""
    parts = zip(np.split(values, groups, axis=-1), np.split(kernel, groups, axis=-1), strict=True)
    return np.concatenate([part @ filters for part, filters in parts], axis=-1)


def depthwise_convolution(asked: Call) -> Answer:
    """DepthwiseConv1D, DepthwiseConv2D.

    y[n, o, c * M + m] = activation(sum over places k of x[n, o * strides + k * dilation - before, c] * kernel[k, c, m] +
    bias[c * M + m]), with M = depth_multiplier.

    kernel: (*size, channels, M); bias: (channels * M,). Source: Keras documentation, DepthwiseConv2D; ONNX Conv with
    one group for each channel.
    """
    x, window = _input(asked)
    return _finished(_depthwise(x, window, asked.weights["kernel"]), asked)


def separable_convolution(asked: Call) -> Answer:
    """SeparableConv1D, SeparableConv2D: a depthwise convolution, then one of size 1 that mixes the channels.

    y = activation(sum over channels c of depthwise(x)[n, o, c] * pointwise[c, f] + bias[f]).

    depthwise_kernel: (*size, channels, M); pointwise_kernel: (1, ..., 1, channels * M, filters); bias: (filters,).
    Source: Keras documentation, SeparableConv2D; Chollet 2017, "Xception", section 1.
    """
    x, window = _input(asked)
    separate = _depthwise(x, window, asked.weights["depthwise_kernel"])
    pointwise = asked.weights["pointwise_kernel"]
    return _finished(separate @ pointwise.reshape(pointwise.shape[-2:]), asked)


def _depthwise(x: Array, window: Window, kernel: Array) -> Array:
    total = np.asarray(sum(values[..., np.newaxis] * kernel[place] for place, values in places(x, window)))
    return total.reshape(*total.shape[:-2], -1)


def transposed_convolution(asked: Call) -> Answer:
    """Conv1DTranspose, Conv2DTranspose, Conv3DTranspose: the linear map that is the adjoint of a convolution.

    full[n, i * strides + k * dilation, f] gets x[n, i, c] * kernel[k, f, c] for each input position i, place k and
    channel c. y = activation(cut(full) + bias[f]).

    `cut` keeps L elements of each axis, and the padding of the convolution whose adjoint this is goes first. For n input
    elements, stride s and a window that spans r: "valid" has L = (n - 1) s + max(r, s), "same" has L = n s; with
    output_padding p these are (n - 1) s + r + p and (n - 1) s + (r mod 2) + p. "valid" cuts nothing before; "same" cuts
    the half, rounded down, of what the convolution pads an axis of L elements by. Elements that no input reaches are 0.

    kernel: (*size, filters, channels); bias: (filters,). Source: Dumoulin and Visin 2016, "A guide to convolution
    arithmetic for deep learning", chapter 4; Keras documentation, Conv2DTranspose.
    """
    x, window = _input(asked)
    kernel = asked.weights["kernel"]
    output_padding = asked.config.get("output_padding")
    paddings = (None,) * len(window.size) if output_padding is None else each(output_padding, len(window.size))
    full = _spread(x, kernel, window)
    for axis, padding in enumerate(paddings):
        before, length = _kept(x.shape[axis + 1], window, axis, padding)
        full = _cut(full, axis + 1, before, length)
    return _finished(full, asked)


def _spread(x: Array, kernel: Array, window: Window) -> Array:
    """Every product of an input element and a kernel element, added where the convolution would have read."""
    sizes = [
        (length - 1) * stride + reach
        for length, stride, reach in zip(x.shape[1:-1], window.strides, window.reach, strict=True)
    ]
    full = np.zeros((x.shape[0], *sizes, kernel.shape[-2]))
    for place in np.ndindex(*window.size):
        starts = [index * step for index, step in zip(place, window.dilation, strict=True)]
        along = [
            slice(at, at + (length - 1) * stride + 1, stride)
            for at, length, stride in zip(starts, x.shape[1:-1], window.strides, strict=True)
        ]
        full[(slice(None), *along)] += x @ kernel[place].T
    return full


def _kept(count: int, window: Window, axis: int, padding: int | None) -> tuple[int, int]:
    """From which element on, and how many, an axis of the full output keeps."""
    stride, reach = window.strides[axis], window.reach[axis]
    if window.padding == "valid":
        return 0, (count - 1) * stride + (max(reach, stride) if padding is None else reach + padding)
    if window.padding != "same":
        raise Undefined(f'its padding is "{window.padding}", and only "valid" and "same" are defined')
    length = count * stride if padding is None else (count - 1) * stride + reach % 2 + padding
    return max((count - 1) * stride + reach - length, 0) // 2, length


def _cut(full: Array, axis: int, before: int, length: int) -> Array:
    missing = max(before + length - full.shape[axis], 0)
    around = [(0, missing if at == axis else 0) for at in range(full.ndim)]
    return np.take(np.pad(full, around), np.arange(before, before + length), axis=axis)


def _input(asked: Call) -> tuple[Array, Window]:
    """The input with its channels last, and the window of the layer."""
    refuse_other_weights(asked.config)
    (x,) = asked.inputs
    axes = x.ndim - 2
    window = Window(
        size=each(asked.config["kernel_size"], axes),
        strides=each(asked.config["strides"], axes),
        dilation=each(asked.config["dilation_rate"], axes),
        padding=asked.config["padding"],
    )
    if len(window.size) != axes:
        raise Undefined(f"its input has {x.ndim} axes, and {len(window.size) + 2} are defined")
    return channels_last(x, asked.config), window


def _finished(y: Array, asked: Call) -> Answer:
    """Adds the bias, restores the data format, and applies the activation."""
    config: Mapping[str, Any] = asked.config
    if config["use_bias"]:
        y = y + asked.weights["bias"]
    return Answer(outputs=(activation(config.get("activation"))(channels_as_configured(y, config)),))


LAYERS: Mapping[str, Definition] = {
    "Conv1D": convolution,
    "Conv2D": convolution,
    "Conv3D": convolution,
    "Conv1DTranspose": transposed_convolution,
    "Conv2DTranspose": transposed_convolution,
    "Conv3DTranspose": transposed_convolution,
    "DepthwiseConv1D": depthwise_convolution,
    "DepthwiseConv2D": depthwise_convolution,
    "SeparableConv1D": separable_convolution,
    "SeparableConv2D": separable_convolution,
}
