"""Definitions of the layers that apply an activation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suite.referee.activations import Activation, Floats, activation, elu, leaky_relu, relu, softmax
from suite.referee.definition import Answer, Call, Definition, Undefined
from suite.referee.layers.masks import Mask, mask_of


def activation_layer(asked: Call) -> Answer:
    """activation(x), for any shape. Source: Keras, Activation layer."""
    return _applied(asked, activation(asked.config["activation"]))


def relu_layer(asked: Call) -> Answer:
    """relu(x, negative_slope, max_value, threshold). Source: Keras, ReLU layer."""
    names = ("negative_slope", "max_value", "threshold")
    return _applied(asked, lambda x: relu(x, **{name: asked.config[name] for name in names}))


def leaky_relu_layer(asked: Call) -> Answer:
    """leaky_relu(x, negative_slope). Source: Keras, LeakyReLU layer."""
    return _applied(asked, lambda x: leaky_relu(x, asked.config["negative_slope"]))


def elu_layer(asked: Call) -> Answer:
    """elu(x, alpha). Source: Keras, ELU layer."""
    return _applied(asked, lambda x: elu(x, asked.config["alpha"]))


def prelu_layer(asked: Call) -> Answer:
    """x for x >= 0, alpha * x for x < 0. `alpha` has the shape of one sample, with 1 along the shared axes.

    Source: He et al. 2015, equation 1; Keras, PReLU layer; ONNX operator PRelu.
    """
    return _applied(asked, lambda x: np.where(x >= 0.0, x, asked.weights["alpha"] * x))


def softmax_layer(asked: Call) -> Answer:
    """softmax(x) over one axis or several. Where there is a mask: over the entries that it keeps; the others get 0.

    The mask is broadcast to the input. Source: Keras, Softmax layer; ONNX operator Softmax.
    """
    axis, mask = asked.config["axis"], mask_of(asked)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    return _applied(asked, lambda x: softmax(x, axes) if mask is None else masked_softmax(x, mask, axes))


def masked_softmax(x: Floats, mask: Mask, axes: tuple[int, ...]) -> Floats:
    """softmax over the entries that the mask keeps; 0 at the others, also where none is kept.

    Raises:
        Undefined: the mask cannot be broadcast to the shape of x.
    """
    try:
        kept = np.broadcast_to(mask, x.shape)
    except ValueError:
        raise Undefined(f"a mask of shape {mask.shape} for a softmax of shape {x.shape}") from None
    largest = np.max(np.where(kept, x, -np.inf), axis=axes, keepdims=True)
    shifted = np.where(kept, x - np.where(np.isfinite(largest), largest, 0.0), -np.inf)
    total = np.sum(np.exp(shifted), axis=axes, keepdims=True)
    return np.asarray(np.exp(shifted) / np.where(total == 0.0, 1.0, total), np.float64)


def _applied(asked: Call, function: Activation) -> Answer:
    return Answer(outputs=(function(np.asarray(asked.inputs[0], np.float64)),))


LAYERS: Mapping[str, Definition] = {
    "Activation": activation_layer,
    "ReLU": relu_layer,
    "LeakyReLU": leaky_relu_layer,
    "ELU": elu_layer,
    "PReLU": prelu_layer,
    "Softmax": softmax_layer,
}
