"""What a definition is asked, and what it answers.

A definition is one function for one class of Keras. It is written from the paper or from Keras's documentation, in the
plainest way, in float64. Its docstring states its formula and its source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray
Arrays = Mapping[str, Array]

EPSILON = 1e-7  # keras.config.epsilon() as it is delivered


class Undefined(Exception):
    """The definition does not cover this call; its text says what it does not cover, as in "draws random numbers"."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a layer.

    `layer`: the name of its class. `config`: `keras.saving.serialize_keras_object(layer)["config"]`: JSON, nested objects
    as {"class_name": ..., "config": ...}. `inputs`: the input tensors in order (a list of inputs is flattened): floats as
    float64, integers and booleans as they are. `weights`: by the names of the layers below this one and the variable's
    own ("kernel", "forward_layer/lstm_cell/kernel"), float64. `masks`: one for each input, boolean, or None; empty if
    there are none. `arguments`: other arguments of the call by name ("initial_state", "use_causal_mask"). `epsilon`: of
    Keras's configuration.
    """

    layer: str
    config: Mapping[str, Any]
    inputs: tuple[Array, ...]
    weights: Arrays = field(default_factory=dict)
    training: bool = False
    masks: tuple[Array | None, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    epsilon: float = EPSILON


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`outputs`: the output tensors in order (nested outputs are flattened), float64 or integers. `state`: the new values
    of weights that the call itself changes (moving statistics), by name; those it leaves alone are left out. `either`: for
    each output that is rounded to integers, what else is right: where a number lay halfway between two of them, as far as
    float32 can tell, the other one, and else the same. Empty where nothing is rounded."""

    outputs: tuple[Array, ...]
    state: Arrays = field(default_factory=dict)
    either: tuple[Array, ...] = ()

    def settled(self, returned: Sequence[Array]) -> tuple[Array, ...]:
        """The outputs; where one was halfway between two integers, and the other one was returned, that."""
        if not self.either:
            return self.outputs
        whole = zip(self.outputs, self.either, returned, strict=True)
        return tuple(
            np.where(made == other, other, defined) if made.shape == defined.shape else defined
            for defined, other, made in whole
        )


Definition = Callable[[Call], Answer]


@dataclass(frozen=True, kw_only=True)
class LossCall:
    """One call of a loss. `loss`: the name of its class. `config`: its `get_config()`. `y_true`, `y_pred`: (rows, ...)
    float64, or integers where targets are. `sample_weight`: broadcast over the rows, or None; `mask`: the mask that
    `y_pred` carries, or None. `epsilon`: of Keras's configuration."""

    loss: str
    config: Mapping[str, Any]
    y_true: Array
    y_pred: Array
    sample_weight: Array | None = None
    mask: Array | None = None
    epsilon: float = EPSILON


@dataclass(frozen=True, kw_only=True)
class Update:
    """One update. `optimizer`: the name of its class. `config`: its serialized config. `iteration`: how many updates were
    made before. `learning_rate`: of this update, after any schedule. `variables`, `gradients`: by the variable's name,
    float64, in the order in which the optimizer got them. `slots`: the optimizer's own variables, "<variable>/<slot>", and
    those of the optimizer as a whole, "optimizer/<name>"; all that are missing are as a new optimizer has them."""

    optimizer: str
    config: Mapping[str, Any]
    iteration: int
    learning_rate: float
    variables: Arrays
    gradients: Arrays
    slots: Arrays = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Updated:
    """The variables and the slots after the update, by the names of `Update`. Slots that have no meaning of their own
    outside of an implementation are left out."""

    variables: Arrays
    slots: Arrays
