"""Updates of an optimizer from given gradients: the variables and the slots after each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.runner.differentiation import Array, arrays, tensor

NAMELESS = re.compile(r"variable(_\d+)?")  # the name of a variable that got none
LISTS = ("_variables", "_trainable_variables")  # lists of an optimizer that hold no slots


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
    own = slots(optimizer, held)
    config = json.dumps(keras.saving.serialize_keras_object(optimizer)["config"], sort_keys=True)
    steps = []
    for count, given in enumerate(gradients):
        before, kept = arrays(held), arrays(own)
        rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        _apply(optimizer, [_as_backends_have_it(given[name]) for name in held], list(held.values()))
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


def _apply(optimizer: Any, gradients: list[Any], variables: list[Any]) -> None:
    """As training does it: on JAX without side effects, because some optimizers decide inside of a traced branch."""
    import keras

    if keras.backend.backend() != "jax":
        optimizer.apply(gradients, variables)
        return
    own = list(optimizer.variables)
    after = optimizer.stateless_apply([one.value for one in own], gradients, [one.value for one in variables])
    for variable, value in zip([*variables, *own], [*after[0], *after[1]], strict=True):
        variable.assign(value)


def _as_backends_have_it(gradient: Gradient) -> Any:
    import keras

    if not isinstance(gradient, Rows):
        return tensor(gradient)
    if keras.backend.backend() != "tensorflow":
        return tensor(gradient.dense)
    import tensorflow as tf

    return tf.IndexedSlices(tensor(gradient.values), tensor(gradient.indices), tf.constant(gradient.dense.shape))


def slots(optimizer: Any, held: Mapping[str, Any]) -> dict[str, Any]:
    """A built optimizer's variables by name: "<variable>/<slot>" for what it keeps for one of `held`, and
    "optimizer/<name>" for the rest. What a wrapper and the optimizer inside it both have is the inner one's.

    A slot is found by its place in a list of slots, because Adafactor names two of them like the variable itself.
    """
    owned = {id(variable): name for name, variable in held.items()}
    inner = getattr(optimizer, "inner_optimizer", None)
    inside = [] if inner is None else list(inner.variables)
    wrapped = {id(variable) for variable in inside}
    listed = dict(_listed(optimizer if inner is None else inner, owned))
    found: dict[str, Any] = {}
    for variable in [*(one for one in optimizer.variables if id(one) not in wrapped), *inside]:
        own = variable.path.rpartition("/")[2]
        if id(variable) in listed:
            owner, attribute = listed[id(variable)]
            prefix = f"{held[owner].path.replace('/', '_')}_"
            found[f"{owner}/{own.removeprefix(prefix) if own.startswith(prefix) else attribute}"] = variable
        elif id(variable) not in owned:
            found[f"optimizer/{_attribute(optimizer, inner, variable) if NAMELESS.fullmatch(own) else own}"] = variable
    return found


def _attribute(optimizer: Any, inner: Any, variable: Any) -> str:
    """The name under which an optimizer holds a variable that has none of its own, as Nadam does."""
    held = [*vars(optimizer).items(), *(vars(inner).items() if inner is not None else ())]
    return next((name.strip("_") for name, value in held if value is variable), "variable")


def _listed(optimizer: Any, owned: Mapping[int, str]) -> Iterator[tuple[int, tuple[str, str]]]:
    """Identity of a slot -> the name of the variable in whose place it is, and that of the list."""
    for attribute, values in vars(optimizer).items():
        if attribute not in LISTS and isinstance(values, list) and len(values) == len(owned):
            for name, slot in zip(owned.values(), values, strict=True):
                if id(slot) not in owned and hasattr(slot, "path"):
                    yield id(slot), (name, attribute.strip("_"))
