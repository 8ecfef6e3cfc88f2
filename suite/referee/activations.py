"""The definitions of activation functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from suite.referee.definition import Array, Undefined

Activation = Callable[[Array], Array]


def softmax(x: Array) -> Array:
    """exp(x) / sum(exp(x)) along the last axis."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


ACTIVATIONS: Mapping[str, Activation] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0.0),
    "sigmoid": lambda x: np.asarray(1.0 / (1.0 + np.exp(-x))),
    "tanh": np.tanh,
    "softmax": softmax,
}


def activation(identifier: Any) -> Activation:
    """The activation that a configuration names: None, a string, or a serialized object.

    Raises:
        Undefined: there is no definition of it.
    """
    if identifier is None:
        return ACTIVATIONS["linear"]
    name = identifier["config"] if isinstance(identifier, Mapping) else identifier
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise Undefined(f"there is no independent definition of the activation {name}")
    return ACTIVATIONS[name]
