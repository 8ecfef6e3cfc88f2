"""Layers that resize images by interpolation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from suite.referee.definition import Answer, Array, Call, Definition, Undefined
from suite.referee.layers.reshaping import repeated
from suite.referee.layers.windows import each

Kernel = Callable[[Array], Array]

FLOAT32_SUMS = 2.0**-19  # of the largest number: what some roundings of float32 leave open of a weighted sum


def triangle(t: Array) -> Array:
    """max(1 - |t|, 0): linear interpolation."""
    return np.asarray(np.maximum(1.0 - np.abs(t), 0.0))


def cubic(t: Array) -> Array:
    """Cubic convolution with a = -1/2 (Keys 1981, equation 15)."""
    t = np.abs(t)
    near = 1.5 * t**3 - 2.5 * t**2 + 1.0
    far = -0.5 * t**3 + 2.5 * t**2 - 4.0 * t + 2.0
    return np.where(t < 1.0, near, np.where(t < 2.0, far, 0.0))


def lanczos(radius: int) -> Kernel:
    """sinc(t) sinc(t / radius) for |t| < radius, with sinc(t) = sin(pi t) / (pi t) (Duchon 1979)."""
    return lambda t: np.where(np.abs(t) < radius, np.sinc(t) * np.sinc(t / radius), 0.0)


KERNELS: Mapping[str, Kernel] = {
    "bilinear": triangle,
    "bicubic": cubic,
    "lanczos3": lanczos(3),
    "lanczos5": lanczos(5),
}


def interpolated(x: Array, axis: int, count: int, interpolation: str, antialias: bool = False) -> Array:
    """Resizes one axis of n elements to `count` elements.

    Output i lies at c = (i + 1/2) n / count - 1/2: the centres of pixels are at halves. "nearest": y[i] =
    x[floor((i + 1/2) n / count)]. All others: y[i] = sum over j of w[i, j] x[j] / sum over j of w[i, j], with
    w[i, j] = kernel((j - c) / s). s is 1, or with `antialias` max(n / count, 1), so that the kernel covers all of the
    elements that an output stands for. Elements outside of the image have no weight.
    Source: ONNX Resize with `coordinate_transformation_mode=half_pixel`, `cubic_coeff_a=-0.5`, `exclude_outside=1`;
    TensorFlow documentation, `tf.image.resize`.

    Raises:
        Undefined: no such interpolation is defined.
    """
    length = x.shape[axis]
    outputs = np.arange(count)
    if interpolation == "nearest":
        return np.asarray(np.take(x, (2 * outputs + 1) * length // (2 * count), axis=axis))
    if interpolation not in KERNELS:
        raise Undefined(f'the interpolation "{interpolation}" is not defined')
    centers = (outputs + 0.5) * length / count - 0.5
    spread = max(length / count, 1.0) if antialias else 1.0
    weights = KERNELS[interpolation]((np.arange(length) - centers[:, np.newaxis]) / spread)
    weights = weights / weights.sum(axis=1, keepdims=True)
    return np.moveaxis(np.tensordot(x, weights, axes=([axis], [1])), -1, axis)


def up_sampling_2d(asked: Call) -> Answer:
    """UpSampling2D: resizes height and width by whole factors; "nearest" is y[i] = x[i // size].

    Integers are rounded, halves to even, and kept in range.
    Source: Keras documentation, UpSampling2D; `interpolated` for all other interpolations.
    """
    (x,), config = asked.inputs, asked.config
    axes, size, kind = _height_and_width(x, config), each(config["size"], 2), x.dtype
    if config["interpolation"] == "nearest":
        return Answer(outputs=(repeated(x, size, axes),))
    for axis, factor in zip(axes, size, strict=True):
        x = interpolated(x, axis, x.shape[axis] * factor, config["interpolation"])
    return _kept_in_range(x, kind)


def resizing(asked: Call) -> Answer:
    """Resizing: resizes height and width by `interpolated`. Integers are rounded, halves to even, and kept in range.

    `crop_to_aspect_ratio`: first cuts out the largest window of the target's aspect ratio in the middle: it has
    min(height, floor(width * target height / target width)) rows, starting at floor(rest / 2), and columns alike.
    `pad_to_aspect_ratio`: first pads the shorter side, to max(height, floor(width * target height / target width)) rows and
    columns alike: floor(missing / 2) of `fill_value` on each side. Source: Keras documentation, Resizing.
    """
    (x,), config = asked.inputs, asked.config
    axes, target = _height_and_width(x, config), (config["height"], config["width"])
    kind = x.dtype
    if config.get("crop_to_aspect_ratio"):
        x = _cropped(x, axes, target)
    elif config.get("pad_to_aspect_ratio"):
        x = _padded(x, axes, target, config)
    for axis, count in zip(axes, target, strict=True):
        x = interpolated(x, axis, count, config["interpolation"], config.get("antialias", False))
    return _kept_in_range(x, kind)


def _fitting(x: Array, axes: tuple[int, int], target: tuple[int, int]) -> tuple[int, int]:
    """For each side the length that has the target's aspect ratio with the other side as it is."""
    height, width = x.shape[axes[0]], x.shape[axes[1]]
    return width * target[0] // target[1], height * target[1] // target[0]


def _cropped(x: Array, axes: tuple[int, int], target: tuple[int, int]) -> Array:
    for axis, fitting in zip(axes, _fitting(x, axes, target), strict=True):
        length = max(min(x.shape[axis], fitting), 1)
        x = np.take(x, np.arange(length) + (x.shape[axis] - length) // 2, axis=axis)
    return x


def _padded(x: Array, axes: tuple[int, int], target: tuple[int, int], config: Mapping[str, Any]) -> Array:
    if config["fill_mode"] != "constant":
        raise Undefined(f'its fill_mode is "{config["fill_mode"]}", and only "constant" is defined')
    around = [(0, 0)] * x.ndim
    for axis, fitting in zip(axes, _fitting(x, axes, target), strict=True):
        missing = max(fitting - x.shape[axis], 0) // 2
        around[axis] = (missing, missing)
    return np.pad(x, around, constant_values=config["fill_value"])


def _kept_in_range(x: Array, kind: np.dtype[Any]) -> Answer:
    if kind.kind not in "iu":
        return Answer(outputs=(x,))
    limits = np.iinfo(kind)
    rounded = np.rint(x)
    halfway = np.abs(np.abs(x - rounded) - 0.5) <= FLOAT32_SUMS * np.max(np.abs(x), initial=1.0)
    other = np.where(halfway, np.floor(x) + np.ceil(x) - rounded, rounded)
    defined, either = (np.asarray(np.clip(one, limits.min, limits.max), kind) for one in (rounded, other))
    return Answer(outputs=(defined,), either=(either,))


def _height_and_width(x: Array, config: Mapping[str, Any]) -> tuple[int, int]:
    """Their axes, of one image or of a batch of images."""
    return (x.ndim - 2, x.ndim - 1) if config["data_format"] == "channels_first" else (x.ndim - 3, x.ndim - 2)


LAYERS: Mapping[str, Definition] = {"UpSampling2D": up_sampling_2d, "Resizing": resizing}
