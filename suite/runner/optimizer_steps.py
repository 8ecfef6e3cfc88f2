"""Updates of an optimizer from given gradients: the variables and the slots after each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.runner import optimizers
from suite.runner.differentiation import Array, arrays, tensor


@dataclass(frozen=True, kw_only=True)
class OptimizerStep:
    """One update, in NumPy. `optimizer`: the name of its class. `config`: JSON of its serialized configuration.
    `iteration`: how many updates were made before. `learning_rate`: of this update, after any schedule. `variables`,
    `slots` before, and `updated_variables`, `updated_slots` after it: by the variable's name, "<variable>/<slot>" and
    "optimizer/<name>". `gradients`: as they were given, dense."""

    optimizer: str
    config: str
    iteration: int
    learning_rate: float
    variables: Mapping[str, Array]
    gradients: Mapping[str, Array]
    slots: Mapping[str, Array]
    updated_variables: Mapping[str, Array]
    updated_slots: Mapping[str, Array]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A gradient by rows, as a table of embeddings has it: `values` (count, ...) belong to the rows `indices` (count,) of
    `dense`, and rows that occur twice are added there."""

    indices: Array
    values: Array
    dense: Array


Gradient = Array | Rows


def optimizer_steps(
    optimizer: Any, variables: Mapping[str, Array], gradients: Sequence[Mapping[str, Gradient]]
) -> list[OptimizerStep]:
    """Applies one update for each of `gradients` to new variables with these values, eagerly.

    `optimizer`: new; it is built here. `variables`: by name, in the order in which it gets them. TensorFlow gets `Rows` as
    its own tf.IndexedSlices, the other backends get them dense, as their Embedding layers make them.

    Raises whatever the optimizer raises.
    """
    import keras

    held = {
        name: keras.Variable(value, name=name.replace("/", "_"), dtype=str(value.dtype)) for name, value in variables.items()
    }
    optimizer.build(list(held.values()))
    own = optimizers.slots_of(optimizer, held)
    config = json.dumps(keras.saving.serialize_keras_object(optimizer)["config"], sort_keys=True)
    steps = []
    for count, given in enumerate(gradients):
        before, kept = arrays(held), arrays(own)
        rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        optimizers.apply(optimizer, [_as_backends_have_it(given[name]) for name in held], list(held.values()))
        steps.append(
            OptimizerStep(
                optimizer=type(optimizer).__name__,
                config=config,
                iteration=count,
                learning_rate=rate,
                variables=before,
                gradients={name: one.dense if isinstance(one, Rows) else one for name, one in given.items()},
                slots=kept,
                updated_variables=arrays(held),
                updated_slots=arrays(own),
            )
        )
    return steps


def _as_backends_have_it(gradient: Gradient) -> Any:
    import keras

    if not isinstance(gradient, Rows):
        return tensor(gradient)
    if keras.backend.backend() != "tensorflow":
        return tensor(gradient.dense)
    import tensorflow as tf

    return tf.IndexedSlices(tensor(gradient.values), tensor(gradient.indices), tf.constant(gradient.dense.shape))
