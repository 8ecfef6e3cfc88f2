"""Layers inside a layer: their weights, and calls of them through the table of all definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from suite.referee import layers
from suite.referee.definition import Answer, Array, Arrays, Call


def below(weights: Arrays, name: str) -> Arrays:
    """The weights of an inner layer, by the names that they have in it: "kernel" for "<name>/kernel"."""
    return {key.removeprefix(f"{name}/"): value for key, value in weights.items() if key.startswith(f"{name}/")}


def inside(asked: Call, serialized: Mapping[str, Any], inputs: tuple[Array, ...], **changes: Any) -> Answer:
    """What an inner layer answers, with its weights and in the mode of the call around it; its state is named as seen from
    there. `changes`: further fields of its call (masks, arguments, config, weights)."""
    config = serialized["config"]
    fields = {"config": config, "weights": below(asked.weights, config["name"]), "training": asked.training} | changes
    answer = layers.call(Call(layer=serialized["class_name"], inputs=inputs, **fields))
    return Answer(outputs=answer.outputs, state={f"{config['name']}/{key}": value for key, value in answer.state.items()})
