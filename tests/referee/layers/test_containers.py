"""Models inside a model, with weights, masks and state of the layers inside."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from suite.referee import layers
from suite.referee.definition import Answer, Array, Call, Definition, Undefined
from suite.referee.layers import call

X = np.random.default_rng(12).normal(size=(3, 4))
SCALE = {"module": "keras.layers", "class_name": "Rescaling", "config": {"name": "scale", "scale": 2.0, "offset": 1.0}}
TANH = {"module": "keras.layers", "class_name": "Activation", "config": {"name": "tanh", "activation": "tanh"}}
SLOPE = {"module": "keras.layers", "class_name": "PReLU", "config": {"name": "slope", "shared_axes": None}}
INPUT = {"module": "keras.layers", "class_name": "InputLayer", "config": {"name": "input"}}
ALPHA = np.array([0.0, 0.5, 1.0, -1.0])


def test_sequential_applies_one_layer_after_the_other() -> None:
    asked = Call(layer="Sequential", config={"layers": [INPUT, SCALE, SLOPE]}, inputs=(X,), weights={"slope/alpha": ALPHA})
    scaled = 2.0 * X + 1.0
    np.testing.assert_array_equal(call(asked).outputs[0], np.where(scaled >= 0.0, scaled, ALPHA * scaled))


def test_a_sequential_inside_a_sequential_inside_time_distributed() -> None:
    inner = {"module": "keras", "class_name": "Sequential", "config": {"name": "inner", "layers": [SLOPE]}}
    outer = {"class_name": "Sequential", "config": {"name": "outer", "layers": [inner, TANH]}}
    steps = np.stack([X, -X], axis=1)
    weights = {"outer/inner/slope/alpha": ALPHA}
    asked = Call(layer="TimeDistributed", config={"layer": outer}, inputs=(steps,), weights=weights)
    np.testing.assert_allclose(call(asked).outputs[0], np.tanh(np.where(steps >= 0.0, steps, ALPHA * steps)))


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer that adds 1 to its weight "calls" in training, and adds the weight to its input."""

    def count(asked: Call) -> Answer:
        calls = asked.weights["calls"] + asked.training
        return Answer(outputs=(asked.inputs[0] + calls,), state={"calls": calls} if asked.training else {})

    monkeypatch.setitem(cast(dict[str, Definition], layers.LAYERS), "Count", count)


def count(name: str) -> dict[str, Any]:
    return {"class_name": "Count", "config": {"name": name}}


@pytest.mark.usefixtures("counting")
def test_state_is_named_as_seen_from_the_outermost_model() -> None:
    inner = {"class_name": "Sequential", "config": {"name": "inner", "layers": [count("first")]}}
    config = {"layers": [inner, count("second")]}
    weights = {"inner/first/calls": np.array(3), "second/calls": np.array(10)}
    answer = call(Call(layer="Sequential", config=config, inputs=(np.zeros(1),), weights=weights, training=True))
    np.testing.assert_array_equal(answer.outputs[0], [15.0])
    assert answer.state == {"inner/first/calls": 4, "second/calls": 11}


def tensor(name: str, at: int = 0, index: int = 0) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, at, index]}}


def called(layer: dict[str, Any], *nodes: tuple[list[Any], dict[str, Any]]) -> dict[str, Any]:
    return {**layer, "inbound_nodes": [{"args": args, "kwargs": kwargs} for args, kwargs in nodes]}


def graph(nodes: list[dict[str, Any]], outputs: Any, *inputs: Array, **rest: Any) -> Answer:
    names = [["input", 0, 0], ["other", 0, 0]][: len(inputs)]
    config = {"layers": nodes, "input_layers": names if len(names) > 1 else names[0], "output_layers": outputs}
    return call(Call(layer="Functional", config=config, inputs=inputs, **rest))


ADD = {"module": "keras.layers", "class_name": "Add", "config": {"name": "add"}}


def test_a_graph_runs_in_the_order_of_its_tensors_and_not_of_its_list() -> None:
    nodes = [
        called(ADD, ([[tensor("tanh"), tensor("input")]], {})),
        called(TANH, ([tensor("scale")], {})),
        called(SCALE, ([tensor("input")], {})),
    ]
    answer = graph(nodes, ["add", 0, 0], X)
    np.testing.assert_allclose(answer.outputs[0], np.tanh(2.0 * X + 1.0) + X)


@pytest.mark.usefixtures("counting")
def test_a_layer_that_is_called_twice_has_two_outputs_and_one_state() -> None:
    nodes = [called(count("shared"), ([tensor("input")], {}), ([tensor("other")], {}))]
    outputs = {"first": ["shared", 0, 0], "second": ["shared", 1, 0]}
    answer = graph(nodes, outputs, np.zeros(1), np.full(1, 5.0), weights={"shared/calls": np.array(0)}, training=True)
    np.testing.assert_array_equal(answer.outputs, [[1.0], [7.0]])
    assert answer.state == {"shared/calls": 2}


@pytest.mark.usefixtures("counting")
def test_a_call_may_fix_its_mode() -> None:
    nodes = [called(count("frozen"), ([tensor("input")], {"training": False}))]
    answer = graph(nodes, ["frozen", 0, 0], np.zeros(1), weights={"frozen/calls": np.array(0)}, training=True)
    assert answer.outputs[0] == 0.0 and not answer.state


def test_inputs_and_other_tensors_by_name() -> None:
    dropout = {"class_name": "Dropout", "config": {"name": "dropout", "rate": 0.5}}
    softmax = {"class_name": "Softmax", "config": {"name": "softmax", "axis": -1}}
    nodes = [
        called(dropout, ([], {"inputs": tensor("input"), "training": None})),
        called(softmax, ([tensor("dropout")], {"mask": tensor("other")})),
    ]
    keep = np.array([True, False, True, False])
    answer = graph(nodes, [["softmax", 0, 0]], np.zeros((1, 4)), keep)
    np.testing.assert_array_equal(answer.outputs[0], [[0.5, 0.0, 0.5, 0.0]])


def test_a_mask_goes_from_layer_to_layer() -> None:
    masking = {"class_name": "Masking", "config": {"name": "masking", "mask_value": 9.0}}
    multiply = {"class_name": "Multiply", "config": {"name": "multiply"}}
    steps = np.array([[[3.0], [9.0]]])
    nodes = [
        called(masking, ([tensor("input")], {})),
        called(TANH, ([tensor("masking")], {})),
        called(multiply, ([[tensor("tanh"), tensor("other")]], {})),
    ]
    answer = graph(nodes, ["multiply", 0, 0], steps, np.full((1, 2, 1), 2.0))
    np.testing.assert_allclose(answer.outputs[0], [[[np.tanh(3.0) * 2.0], [2.0]]])


OPERATION = {"module": "keras.src.ops.numpy", "class_name": "NotEqual", "config": {"name": "not_equal"}}


def test_the_operations_that_compute_a_mask_are_left_out_because_masks_travel_with_the_tensors() -> None:
    masking = {"class_name": "Masking", "config": {"name": "masking", "mask_value": 9.0}}
    softmax = {"class_name": "Softmax", "config": {"name": "softmax", "axis": 1}}
    multiply = {"class_name": "Multiply", "config": {"name": "multiply"}}
    nodes = [
        called(OPERATION, ([tensor("input"), 9.0], {})),
        called(masking, ([tensor("input")], {})),
        called(multiply, ([[tensor("masking"), tensor("other")]], {"mask": [tensor("not_equal"), None]})),
        called(softmax, ([tensor("multiply")], {"mask": None})),
    ]
    answer = graph(nodes, ["softmax", 0, 0], np.array([[[0.0], [9.0]]]), np.full((1, 2, 1), np.log(3.0)))
    np.testing.assert_allclose(answer.outputs[0], [[[0.25], [0.75]]])


def test_an_operation_that_is_no_layer_is_undefined() -> None:
    words = r"no independent definition of keras\.src\.ops\.numpy\.NotEqual"
    with pytest.raises(Undefined, match=words):
        graph([called(OPERATION, ([tensor("input")], {})), called(TANH, ([tensor("not_equal")], {}))], ["tanh", 0, 0], X)
    with pytest.raises(Undefined, match="whose output is not that of a layer"):
        graph([called(OPERATION, ([tensor("input")], {}))], ["not_equal", 0, 0], X)


def test_a_graph_that_waits_for_itself_is_undefined() -> None:
    with pytest.raises(Undefined, match="no layer can be the next one"):
        graph([called(TANH, ([tensor("scale")], {})), called(SCALE, ([tensor("tanh")], {}))], ["tanh", 0, 0], X)
