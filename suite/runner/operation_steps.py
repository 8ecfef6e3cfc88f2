"""One call of an operation of `keras.ops`: what goes in, what comes out, and its vector-Jacobian product."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from suite.runner import structures
from suite.runner.differentiation import Cotangents, differentiate
from suite.runner.layer_steps import LayerStep


def operation_step(
    operation: Any, inputs: tuple[Any, ...], arguments: Mapping[str, Any], *, cotangents: Cotangents
) -> LayerStep:
    """Calls `operation(*inputs, **arguments)` once, eagerly, and pulls the cotangents back.

    `operation`: a function of `keras.ops`, or an operation in a model's graph. `inputs`, `arguments`: arrays, nested
    structures of them, and whatever else it takes, such as a number. Of the answer, `inputs` are the arrays alone, and
    `arguments` all that it takes, by the names of its parameters: {"input": place} stands for an array.

    Raises:
        Exception: whatever the call raises. If only the gradient cannot be computed, `reason` says why.
    """
    given = {"inputs": inputs, "arguments": dict(arguments)}
    tensors = {path: leaf for path, leaf in structures.leaves(given) if isinstance(leaf, np.ndarray)}

    def function(made: list[Any]) -> list[Any]:
        placed = dict(zip(tensors, made, strict=True))
        call = structures.replaced(given, lambda path, leaf: placed.get(path, leaf))
        return [leaf for _, leaf in structures.leaves(operation(*call["inputs"], **call["arguments"]))]

    done = differentiate(function, list(tensors.values()), {}, {}, cotangents)
    places = {path: {"input": place} for place, path in enumerate(tensors)}
    marked = structures.replaced(given, lambda path, leaf: places.get(path, leaf))
    return LayerStep(
        layer=type(operation).__name__,
        config="{}",
        training=True,
        inputs=tuple(tensors.values()),
        masks=(None,) * len(tensors),
        arguments=_settings(operation) | _by_name(operation, marked["inputs"], marked["arguments"]),
        tensors={},
        weights={},
        outputs=done.outputs,
        state={},
        cotangents=done.cotangents,
        gradients={f"input/{place}": value for place, value in done.of_inputs.items()},
        reason=done.reason,
    )


def _by_name(operation: Any, inputs: tuple[Any, ...], arguments: Mapping[str, Any]) -> dict[str, Any]:
    called = operation if inspect.isfunction(operation) else operation.call
    return dict(inspect.signature(called).bind(*inputs, **arguments).arguments)


def _settings(operation: Any) -> dict[str, Any]:
    """What the constructor of an operation got; nothing where Keras cannot say it."""
    if inspect.isfunction(operation):
        return {}
    try:
        config = dict(operation.get_config())
    except NotImplementedError:
        return {}
    return {name: value for name, value in config.items() if name != "name"}
