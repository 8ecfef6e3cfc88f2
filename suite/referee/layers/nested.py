"""Layers inside a layer: their weights, and calls of them through the table of all definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suite.referee import layers
from suite.referee.definition import Answer, Array, Arrays, Call, Undefined

# Where Keras serializes its layers and models from. A custom class may have the name of one of them, and so has, for
# example, the operation keras.src.ops.numpy.Add.
KERAS = ("keras", "keras.layers", "keras.models", "keras.src.models.functional", "keras.src.models.sequential")


def below(weights: Arrays, name: str) -> Arrays:
    """The weights of an inner layer, by the names that they have in it: "kernel" for "<name>/kernel"."""
    return {key.removeprefix(f"{name}/"): value for key, value in weights.items() if key.startswith(f"{name}/")}


def inner_call(asked: Call, serialized: Mapping[str, Any], inputs: tuple[Array, ...], **changes: Any) -> Call:
    """The call of an inner layer, with its weights and in the mode of the call around it. `changes`: further fields (masks,
    arguments, config, weights).

    Raises:
        Undefined: the inner layer is not Keras's.
    """
    refuse_custom(serialized)
    config = serialized["config"]
    fields = {"config": config, "weights": below(asked.weights, config["name"]), "training": asked.training} | changes
    return Call(layer=serialized["class_name"], inputs=inputs, **fields)


def refuse_custom(serialized: Mapping[str, Any]) -> None:
    """Raises Undefined if a serialized object is not from Keras's layers or models."""
    if serialized.get("module", "keras") not in KERAS:
        raise Undefined(f"there is no independent definition of {serialized['module']}.{serialized['class_name']}")


def inside(asked: Call, serialized: Mapping[str, Any], inputs: tuple[Array, ...], **changes: Any) -> Answer:
    """What an inner layer answers to `inner_call`; its state is named as seen from the layer around it."""
    answer = layers.call(inner_call(asked, serialized, inputs, **changes))
    return Answer(outputs=answer.outputs, state=above(answer.state, serialized["config"]["name"]))


def above(state: Arrays, name: str) -> dict[str, Array]:
    """The inverse of `below`."""
    return {f"{name}/{key}": value for key, value in state.items()}
