"""Definitions of the layers that merge several inputs into one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from suite.referee.activations import Floats
from suite.referee.definition import Answer, Call, Definition, Undefined
from suite.referee.layers.masks import Mask, mask_of


def add(asked: Call) -> Answer:
    """The sum of the inputs, entry by entry. Source: Keras, Add layer; ONNX operator Sum."""
    return Answer(outputs=(reduce(np.add, _aligned(asked)),))


def subtract(asked: Call) -> Answer:
    """The first input minus the second. Source: Keras, Subtract layer."""
    first, second = _aligned(asked)
    return Answer(outputs=(first - second,))


def multiply(asked: Call) -> Answer:
    """The product of the inputs, entry by entry. A masked entry counts as 1; where every input is masked, the product is 0.

    Source: Keras, Multiply layer.
    """
    inputs, kept = _aligned(asked), _kept(asked)
    product = reduce(np.multiply, [np.where(mask, x, 1.0) for x, mask in zip(inputs, kept, strict=True)])
    return Answer(outputs=(np.where(reduce(np.logical_or, kept), product, 0.0),))


def average(asked: Call) -> Answer:
    """The sum of the inputs over their number. Source: Keras, Average layer; ONNX operator Mean."""
    return Answer(outputs=(reduce(np.add, _aligned(asked)) / len(asked.inputs),))


def maximum(asked: Call) -> Answer:
    """The largest of the inputs, entry by entry. Source: Keras, Maximum layer; ONNX operator Max."""
    return _extreme(asked, np.fmax)


def minimum(asked: Call) -> Answer:
    """The smallest of the inputs, entry by entry. Source: Keras, Minimum layer; ONNX operator Min."""
    return _extreme(asked, np.fmin)


def _extreme(asked: Call, larger: Callable[[Floats, Floats], Floats]) -> Answer:
    """A masked entry does not take part; where every input is masked, the first one is the answer."""
    inputs, kept = _aligned(asked), _kept(asked)
    if any(np.isnan(x).any() for x in inputs):
        raise Undefined(f"{asked.layer} of inputs that are not a number")
    extreme = reduce(larger, [np.where(mask, x, np.nan) for x, mask in zip(inputs, kept, strict=True)])
    return Answer(outputs=(np.where(np.isnan(extreme), inputs[0], extreme),))


def concatenate(asked: Call) -> Answer:
    """The inputs one after the other along `axis`. Source: Keras, Concatenate layer; ONNX operator Concat."""
    return Answer(outputs=(np.concatenate(asked.inputs, axis=asked.config["axis"]),))


def dot(asked: Call) -> Answer:
    """For each sample, the sum of products over one axis of each input: out[b, i, j] = sum_k x[b, i, k] y[b, k, j].

    `axes`: the axis of both inputs, or one axis for each. The output has the axes of the first input that are left, then
    those of the second; of two inputs with one axis each, it is (rows, 1). `normalize`: each vector along the axis is first
    divided by its L2 norm, which gives the cosine. Source: Keras, Dot layer.
    """
    axes = asked.config["axes"]
    vectors = [
        np.moveaxis(np.asarray(x, np.float64), axis, -1)
        for x, axis in zip(asked.inputs, (axes, axes) if isinstance(axes, int) else axes, strict=True)
    ]
    if asked.config["normalize"]:
        vectors = [x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), asked.epsilon) for x in vectors]
    output = np.stack([np.tensordot(x, y, axes=(-1, -1)) for x, y in zip(*vectors, strict=True)])
    return Answer(outputs=(output if output.ndim > 1 else output[:, np.newaxis],))


def _aligned(asked: Call) -> list[Floats]:
    """The inputs with as many axes each: new axes of size 1 come after the axis of the rows."""
    most = max(x.ndim for x in asked.inputs)
    shapes = [(*x.shape[:1], *[1] * (most - x.ndim), *x.shape[1:]) for x in asked.inputs]
    return [np.asarray(x, np.float64).reshape(shape) for x, shape in zip(asked.inputs, shapes, strict=True)]


def _kept(asked: Call) -> list[NDArray[np.bool_]]:
    """For each input, which of its entries count."""
    if len({x.ndim for x in asked.inputs}) > 1 and any(
        mask_of(asked, index) is not None for index in range(len(asked.inputs))
    ):
        raise Undefined("masked inputs with different numbers of axes")
    return [_entries(x, mask_of(asked, index)) for index, x in enumerate(asked.inputs)]


def _entries(x: NDArray[np.generic], mask: Mask | None) -> NDArray[np.bool_]:
    if mask is None:
        return np.ones((1,) * x.ndim, np.bool_)
    if mask.ndim != x.ndim - 1:
        raise Undefined(f"a mask of shape {mask.shape} for an input of shape {x.shape}")
    return np.broadcast_to(mask[..., np.newaxis], x.shape)


LAYERS: Mapping[str, Definition] = {
    "Add": add,
    "Subtract": subtract,
    "Multiply": multiply,
    "Average": average,
    "Maximum": maximum,
    "Minimum": minimum,
    "Concatenate": concatenate,
    "Dot": dot,
}
