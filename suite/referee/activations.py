"""The activation functions of Keras, by name, with Keras's defaults and constants.

Enters: floats of any shape. Leaves: float64 of the same shape (glu halves one axis). Where a formula would overflow or lose
digits, an equal one is used that does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.referee.definition import Undefined

Floats = NDArray[np.float64]
Activation = Callable[[Floats], Floats]

# The fixed point of mean 0 and variance 1: appendix of Klambauer et al. 2017.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def linear(x: Floats) -> Floats:
    """x. Keras: activations.linear."""
    return x


def relu(x: Floats, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Floats:
    """negative_slope * (x - threshold) up to and including the threshold, x above it, at most max_value.

    Keras: activations.relu, layers.ReLU. ONNX: Relu, ThresholdedRelu.

    Raises:
        Undefined: max_value lies below the threshold; the documented cases then overlap.
    """
    if max_value is not None and max_value < threshold:
        raise Undefined(f"relu with a max_value of {max_value} below its threshold of {threshold}")
    above = x if max_value is None else np.minimum(x, max_value)
    return np.where(x > threshold, above, negative_slope * (x - threshold))


def relu6(x: Floats) -> Floats:
    """min(max(x, 0), 6). Keras: activations.relu6."""
    return np.minimum(np.maximum(x, 0.0), 6.0)


def leaky_relu(x: Floats, negative_slope: float = 0.2) -> Floats:
    """x for x >= 0, negative_slope * x for x < 0. Keras: activations.leaky_relu. ONNX: LeakyRelu."""
    return np.where(x >= 0.0, x, negative_slope * x)


def elu(x: Floats, alpha: float = 1.0) -> Floats:
    """x for x >= 0, alpha (exp(x) - 1) for x < 0. Clevert et al. 2016. ONNX: Elu."""
    return np.where(x >= 0.0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def selu(x: Floats) -> Floats:
    """scale * elu(x, alpha). Klambauer et al. 2017. ONNX: Selu."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


def celu(x: Floats, alpha: float = 1.0) -> Floats:
    """x for x >= 0, alpha (exp(x / alpha) - 1) for x < 0. Barron 2017. ONNX: Celu."""
    return np.where(x >= 0.0, x, alpha * np.expm1(np.minimum(x, 0.0) / alpha))


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)). Keras: activations.sigmoid. ONNX: Sigmoid."""
    shrunk = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, shrunk) / (1.0 + shrunk)


def hard_sigmoid(x: Floats) -> Floats:
    """x / 6 + 1/2, cut off to [0, 1]. Keras: activations.hard_sigmoid. ONNX: HardSigmoid with alpha 1/6."""
    return np.minimum(np.maximum(x / 6.0 + 0.5, 0.0), 1.0)


def sparse_sigmoid(x: Floats) -> Floats:
    """(x + 1) / 2, cut off to [0, 1]. Blondel et al. 2019."""
    return np.minimum(np.maximum(0.5 * (x + 1.0), 0.0), 1.0)


def log_sigmoid(x: Floats) -> Floats:
    """log(1 / (1 + exp(-x))). Keras: activations.log_sigmoid."""
    return -softplus(-x)


def tanh(x: Floats) -> Floats:
    """sinh(x) / cosh(x). Keras: activations.tanh. ONNX: Tanh."""
    return np.tanh(x)


def hard_tanh(x: Floats) -> Floats:
    """x, cut off to [-1, 1]. Keras: activations.hard_tanh."""
    return np.minimum(np.maximum(x, -1.0), 1.0)


def tanh_shrink(x: Floats) -> Floats:
    """x - tanh(x). Keras: activations.tanh_shrink."""
    return x - np.tanh(x)


def softplus(x: Floats) -> Floats:
    """log(1 + exp(x)). Keras: activations.softplus. ONNX: Softplus."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def sparse_plus(x: Floats) -> Floats:
    """0 for x <= -1, (x + 1)^2 / 4 for -1 < x < 1, x for x >= 1. Keras: activations.sparse_plus."""
    return np.where(x <= -1.0, 0.0, np.where(x < 1.0, 0.25 * (x + 1.0) ** 2, x))


def squareplus(x: Floats, b: float = 4.0) -> Floats:
    """(x + sqrt(x^2 + b)) / 2. Barron 2021."""
    return 0.5 * (x + np.sqrt(x**2 + b))


def softsign(x: Floats) -> Floats:
    """x / (1 + |x|). Keras: activations.softsign. ONNX: Softsign."""
    return x / (1.0 + np.abs(x))


def soft_shrink(x: Floats, threshold: float = 0.5) -> Floats:
    """x - threshold above the threshold, x + threshold below its negative, else 0. ONNX: Shrink with bias and lambd."""
    return np.where(x > threshold, x - threshold, np.where(x < -threshold, x + threshold, 0.0))


def hard_shrink(x: Floats, threshold: float = 0.5) -> Floats:
    """x where |x| exceeds the threshold, else 0. Keras: activations.hard_shrink. ONNX: Shrink with bias 0."""
    return np.where(np.abs(x) > threshold, x, 0.0)


def silu(x: Floats) -> Floats:
    """x * sigmoid(x). Ramachandran et al. 2017. ONNX: Swish."""
    return x * sigmoid(x)


def hard_silu(x: Floats) -> Floats:
    """x * hard_sigmoid(x). Howard et al. 2019. ONNX: HardSwish."""
    return x * hard_sigmoid(x)


def gelu(x: Floats, approximate: bool = False) -> Floats:
    """x * Phi(x) with the normal distribution Phi(x) = (1 + erf(x / sqrt 2)) / 2. Hendrycks and Gimpel 2016. ONNX: Gelu.

    Approximate: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))).
    """
    if approximate:
        return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))
    complement = np.vectorize(math.erfc, otypes=[np.float64])(-x / math.sqrt(2.0))
    return 0.5 * x * np.asarray(complement, np.float64)


def mish(x: Floats) -> Floats:
    """x * tanh(softplus(x)). Misra 2019. ONNX: Mish."""
    return x * np.tanh(softplus(x))


def exponential(x: Floats) -> Floats:
    """exp(x). Keras: activations.exponential."""
    return np.exp(x)


def glu(x: Floats, axis: int = -1) -> Floats:
    """a * sigmoid(b), where a and b are the two halves of x along the axis. Dauphin et al. 2017."""
    first, second = np.split(x, 2, axis=axis)
    return first * sigmoid(second)


def softmax(x: Floats, axis: int | tuple[int, ...] = -1) -> Floats:
    """exp(x) / sum(exp(x)) along the axis, or over several axes together. Keras: layers.Softmax. ONNX: Softmax."""
    shifted = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return np.asarray(shifted / np.sum(shifted, axis=axis, keepdims=True), np.float64)


def log_softmax(x: Floats, axis: int = -1) -> Floats:
    """x - log(sum(exp(x))) along the axis. Keras: activations.log_softmax. ONNX: LogSoftmax."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return np.asarray(shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True)), np.float64)


def sparsemax(x: Floats, axis: int = -1) -> Floats:
    """max(x - tau, 0), with tau such that each vector along the axis sums to 1. Martins and Astudillo 2016, algorithm 1."""
    return np.asarray(np.apply_along_axis(_sparsemax_of_vector, axis, x), np.float64)


def _sparsemax_of_vector(vector: Floats) -> Floats:
    descending = np.sort(vector)[::-1]
    sums, counts = np.cumsum(descending), np.arange(1, len(vector) + 1)
    support = int(counts[1.0 + counts * descending > sums].max())
    tau = float(sums[support - 1] - 1.0) / support
    return np.maximum(vector - tau, 0.0)


ACTIVATIONS: Mapping[str, Activation] = {
    "celu": celu,
    "elu": elu,
    "exponential": exponential,
    "gelu": gelu,
    "glu": glu,
    "hard_shrink": hard_shrink,
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": hard_silu,
    "hard_swish": hard_silu,
    "hard_tanh": hard_tanh,
    "leaky_relu": leaky_relu,
    "linear": linear,
    "log_sigmoid": log_sigmoid,
    "log_softmax": log_softmax,
    "mish": mish,
    "relu": relu,
    "relu6": relu6,
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": silu,
    "soft_shrink": soft_shrink,
    "softmax": softmax,
    "softplus": softplus,
    "softsign": softsign,
    "sparse_plus": sparse_plus,
    "sparse_sigmoid": sparse_sigmoid,
    "sparsemax": sparsemax,
    "squareplus": squareplus,
    "swish": silu,
    "tanh": tanh,
    "tanh_shrink": tanh_shrink,
}

# Layers without weights that Keras also takes as an activation: the function, and the arguments it has in the configuration.
LAYERS_AS_ACTIVATIONS: Mapping[str, tuple[Callable[..., Floats], tuple[str, ...]]] = {
    "ReLU": (relu, ("negative_slope", "max_value", "threshold")),
    "LeakyReLU": (leaky_relu, ("negative_slope",)),
    "ELU": (elu, ("alpha",)),
}


def activation(identifier: Any) -> Activation:
    """The function that Keras means by an identifier: None (linear), a name, or a serialized function or layer
    ({"class_name": "function", "config": "relu"}, {"class_name": "LeakyReLU", "config": {"negative_slope": 0.1}}).

    A function that a user wrote and named like one of Keras's cannot be told from it: Keras serializes the bare name.

    Raises:
        Undefined: a name that Keras does not have, threshold (which has no defaults), or a custom object.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str) and identifier in ACTIVATIONS:
        return ACTIVATIONS[identifier]
    if isinstance(identifier, Mapping):
        kind, config = identifier.get("class_name"), identifier.get("config")
        if kind == "function" and isinstance(config, str) and config in ACTIVATIONS:
            return ACTIVATIONS[config]
        if isinstance(kind, str) and kind in LAYERS_AS_ACTIVATIONS and isinstance(config, Mapping):
            return _of_layer(kind, config)
    raise Undefined(f"there is no independent definition of the activation {_name(identifier)!r}")


def _of_layer(kind: str, config: Mapping[str, Any]) -> Activation:
    function, names = LAYERS_AS_ACTIVATIONS[kind]
    arguments = {name: config[name] for name in names if name in config}
    return lambda x: function(x, **arguments)


def _name(identifier: Any) -> str:
    if not isinstance(identifier, Mapping):
        return str(identifier)
    kind, config = identifier.get("class_name"), identifier.get("config")
    return str(config if kind == "function" else kind)
