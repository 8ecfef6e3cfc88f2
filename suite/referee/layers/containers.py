"""Definitions of models inside a model: Sequential, and graphs of layers (Functional)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from suite.referee import layers
from suite.referee.definition import Answer, Array, Call, Definition, Undefined
from suite.referee.layers.masks import Mask, mask_of
from suite.referee.layers.nested import KERAS, above, below, inner_call, refuse_custom
from suite.referee.layers.output_masks import output_mask

Tensor = tuple[Array, Mask | None]
Place = tuple[str, int, int]  # a layer's name, which of its calls, which of its outputs
INPUTS = ("inputs", "sequences", "data", "query", "value", "key")  # the names of inputs, in order, where a call names them


def sequential(asked: Call) -> Answer:
    """Each layer applied to the output of the one before it. Source: Keras, Sequential class."""
    return _finished(*_sequential(asked))


def functional(asked: Call) -> Answer:
    """The layers of a graph, each applied to the tensors that its nodes name, once these are known.

    A layer that is called several times finds the state that its earlier call left. Source: Keras, Model class and the
    functional API.

    Raises:
        Undefined: the graph holds an operation that is not a layer of Keras, or a call that repeats itself.
    """
    return _finished(*_functional(asked))


def _finished(outputs: tuple[Tensor, ...], state: dict[str, Array]) -> Answer:
    return Answer(outputs=tuple(array for array, _ in outputs), state=state)


def _sequential(asked: Call) -> tuple[tuple[Tensor, ...], dict[str, Array]]:
    tensors: tuple[Tensor, ...] = tuple((array, mask_of(asked, index)) for index, array in enumerate(asked.inputs))
    state: dict[str, Array] = {}
    for serialized in asked.config["layers"]:
        tensors, new = _applied(asked, serialized, tensors, {}, state)
        state |= new
    return tensors, state


def _functional(asked: Call) -> tuple[tuple[Tensor, ...], dict[str, Array]]:
    known: dict[Place, Tensor] = {}
    for index, (place, array) in enumerate(zip(_places(asked.config["input_layers"]), asked.inputs, strict=True)):
        known[place] = array, mask_of(asked, index)
    state: dict[str, Array] = {}
    waiting = list(_nodes(asked.config["layers"]))
    while waiting:
        ready = [item for item in waiting if all(place in known for place in _named(item[2]))]
        if not ready:
            raise Undefined("a graph of layers in which no layer can be the next one")
        for layer, at, node in ready:
            state |= _apply_node(asked, layer, at, node, known, state)
        waiting = [item for item in waiting if item not in ready]
    places = list(_places(asked.config["output_layers"]))
    if any(place not in known for place in places):
        raise Undefined("a graph whose output is not that of a layer of Keras")
    return tuple(known[place] for place in places), state


def _nodes(serialized: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], int, Mapping[str, Any]]]:
    """The calls in a graph: a layer, which of its calls, and the call's arguments.

    Keras adds the operations to the graph that compute masks. They are left out, and so are the arguments that name their
    results: here masks travel with the tensors.
    """
    custom = {layer["config"]["name"]: layer for layer in serialized if layer.get("module", "keras") not in KERAS}
    for layer in serialized:
        if layer["config"]["name"] in custom:
            continue
        for at, node in enumerate(layer.get("inbound_nodes", ())):
            arguments = {
                name: value
                for name, value in node["kwargs"].items()
                if not (name.endswith("mask") and any(place[0] in custom for place in _named(value)))
            }
            for name, _, _ in _named([node["args"], arguments]):
                refuse_custom(custom.get(name, layer))
            yield layer, at, {"args": node["args"], "kwargs": arguments}


def _apply_node(
    asked: Call,
    serialized: Mapping[str, Any],
    at: int,
    node: Mapping[str, Any],
    known: dict[Place, Tensor],
    state: Mapping[str, Array],
) -> dict[str, Array]:
    """Adds the outputs of one call to the known tensors, and returns the state that it leaves."""
    given = {name: value for name, value in node["kwargs"].items() if value is not None}
    inputs = [node["args"], *(given.pop(name) for name in INPUTS if name in given)]
    tensors = tuple(known[place] for place in _named(inputs))
    arguments = {name: _resolved(value, known) for name, value in given.items()}
    outputs, new = _applied(asked, serialized, tensors, arguments, state)
    known.update({(serialized["config"]["name"], at, index): tensor for index, tensor in enumerate(outputs)})
    return new


def _applied(
    asked: Call,
    serialized: Mapping[str, Any],
    tensors: tuple[Tensor, ...],
    arguments: Mapping[str, Any],
    state: Mapping[str, Array],
) -> tuple[tuple[Tensor, ...], dict[str, Array]]:
    """One layer's outputs with their masks, and the state that it leaves, named as seen from the model."""
    name = serialized["config"]["name"]
    call = inner_call(
        asked,
        serialized,
        tuple(array for array, _ in tensors),
        masks=tuple(mask for _, mask in tensors),
        arguments=arguments,
        weights=below({**asked.weights, **state}, name),
        training=arguments.get("training", asked.training),
    )
    if call.layer in CONTAINERS:
        outputs, new = CONTAINERS[call.layer](call)
        return outputs, above(new, name)
    answer = layers.call(call)
    first, *others = answer.outputs
    return ((first, output_mask(call)), *((other, None) for other in others)), above(answer.state, name)


def _named(value: Any) -> Iterator[Place]:
    """The tensors that a serialized argument holds, however deep, in order."""
    if isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__":
        name, at, index = value["config"]["keras_history"]
        yield name, at, index
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _named(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _named(item)


def _resolved(value: Any, known: Mapping[Place, Tensor]) -> Any:
    """A serialized argument with arrays in place of the tensors that it names."""
    if isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__":
        return known[next(_named(value))][0]
    return [_resolved(item, known) for item in value] if isinstance(value, list | tuple) else value


def _places(nested: Any) -> Iterator[Place]:
    """The places in a list, a dictionary or a single place [name, call, output]."""
    if isinstance(nested, Mapping):
        nested = list(nested.values())
    if len(nested) == 3 and isinstance(nested[0], str):
        yield nested[0], nested[1], nested[2]
    else:
        for item in nested:
            yield from _places(item)


CONTAINERS: Mapping[str, Callable[[Call], tuple[tuple[Tensor, ...], dict[str, Array]]]] = {
    "Sequential": _sequential,
    "Functional": _functional,
}
LAYERS: Mapping[str, Definition] = {"Sequential": sequential, "Functional": functional}
