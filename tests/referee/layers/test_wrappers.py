"""Layers that apply another layer to a sequence."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from suite.referee import layers
from suite.referee.definition import Answer, Array, Call, Definition, Undefined
from suite.referee.layers import call
from tests.referee.layers.recurrences import ROWS, STEPS, UNITS, X, onnx_recurrence, random_weights

FORWARD, BACKWARD = random_weights("LSTM"), {name: value[..., ::-1] for name, value in random_weights("LSTM").items()}
MASK = np.array([[True] * 4, [True, True, False, False], [False, True, False, True]])
IN_TIME = onnx_recurrence("LSTM", FORWARD, X, [])
REVERSED = onnx_recurrence("LSTM", BACKWARD, X[:, ::-1], [])


def lstm(name: str, **config: Any) -> dict[str, Any]:
    defaults = {
        "units": UNITS, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True, "stateful": False,
        "return_sequences": True, "return_state": False, "go_backwards": False, "zero_output_for_mask": False,
    }  # fmt: skip
    return {"class_name": "LSTM", "config": {**defaults, "name": name, **config}}


def bidirectional(merge_mode: str | None, inner: dict[str, Any] | None = None, **rest: Any) -> tuple[Array, ...]:
    inner = inner or {}
    config = {
        "merge_mode": merge_mode,
        "layer": lstm("forward_lstm", **inner),
        "backward_layer": lstm("backward_lstm", go_backwards=True, **inner),
    }
    weights = {f"forward_lstm/lstm_cell/{name}": value for name, value in FORWARD.items()}
    weights |= {f"backward_lstm/lstm_cell/{name}": value for name, value in BACKWARD.items()}
    return call(Call(layer="Bidirectional", config=config, inputs=(X,), weights=weights, **rest)).outputs


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("merge_mode", ["concat", "sum", "ave", "mul"])
def test_both_directions_are_merged(merge_mode: str, sequences: bool) -> None:
    forward, backward = IN_TIME[0], REVERSED[0][:, ::-1]
    if not sequences:
        forward, backward = forward[:, -1], backward[:, 0]
    expected = {
        "concat": np.concatenate([forward, backward], axis=-1),
        "sum": forward + backward,
        "ave": (forward + backward) / 2.0,
        "mul": forward * backward,
    }
    (answer,) = bidirectional(merge_mode, {"return_sequences": sequences})
    np.testing.assert_allclose(answer, expected[merge_mode], rtol=1e-12)


def test_without_merging_there_are_two_outputs_and_then_the_states() -> None:
    answers = bidirectional(None, {"return_state": True})
    expected = (IN_TIME[0], REVERSED[0][:, ::-1], *IN_TIME[1:], *REVERSED[1:])
    for answer, array in zip(answers, expected, strict=True):
        np.testing.assert_allclose(answer, array, rtol=1e-12)


def test_masked_steps_of_a_sequence_are_zero_in_both_directions() -> None:
    (answer,) = bidirectional("concat", masks=(MASK,))
    np.testing.assert_array_equal(answer[~MASK], np.zeros((4, 2 * UNITS)))
    short = onnx_recurrence("LSTM", BACKWARD, X[2:, [3, 1]], [])[0]
    np.testing.assert_allclose(answer[2, [3, 1], UNITS:], short[0], rtol=1e-12)


def test_the_last_output_of_a_masked_sequence_is_that_of_its_last_step() -> None:
    (answer,) = bidirectional("concat", {"return_sequences": False}, masks=(MASK,))
    np.testing.assert_allclose(answer[1, :UNITS], IN_TIME[0][1, 1], rtol=1e-12)


def test_the_first_half_of_the_initial_states_is_the_forward_layers() -> None:
    states = [np.random.default_rng(at).normal(size=(ROWS, UNITS)) for at in range(4)]
    answers = bidirectional(None, arguments={"initial_state": states})
    np.testing.assert_allclose(answers[0], onnx_recurrence("LSTM", FORWARD, X, states[:2])[0], rtol=1e-12)
    np.testing.assert_allclose(answers[1][:, ::-1], onnx_recurrence("LSTM", BACKWARD, X[:, ::-1], states[2:])[0], rtol=1e-12)


def time_distributed(inner: dict[str, Any], x: Array, **rest: Any) -> Array:
    (answer,) = call(Call(layer="TimeDistributed", config={"layer": inner}, inputs=(x,), **rest)).outputs
    return answer


def test_time_distributed_applies_its_layer_to_each_step_with_the_same_weights() -> None:
    images = np.random.default_rng(3).normal(size=(ROWS, STEPS, 2, 2))
    alpha = np.array([[0.5, 2.0], [-1.0, 0.0]])
    prelu = {"class_name": "PReLU", "config": {"name": "slope", "shared_axes": None}}
    answer = time_distributed(prelu, images, weights={"slope/alpha": alpha})
    np.testing.assert_array_equal(answer, np.where(images >= 0.0, images, alpha * images))


def test_time_distributed_hands_each_step_its_mask() -> None:
    softmax = {"class_name": "Softmax", "config": {"name": "softmax", "axis": -1}}
    keep = np.random.default_rng(6).random((ROWS, STEPS, 2)) > 0.5
    answer = time_distributed(softmax, np.zeros((ROWS, STEPS, 2)), arguments={"mask": keep})
    np.testing.assert_array_equal(answer, keep / np.maximum(keep.sum(axis=-1, keepdims=True), 1))


def test_time_distributed_goes_over_the_steps_of_sequences_inside_sequences() -> None:
    sequences = np.stack([X, X + 1.0], axis=1)
    weights = {f"inner/lstm_cell/{name}": value for name, value in FORWARD.items()}
    answer = time_distributed(lstm("inner"), sequences, weights=weights)
    np.testing.assert_allclose(answer[:, 1], onnx_recurrence("LSTM", FORWARD, X + 1.0, [])[0], rtol=1e-12)


def test_each_step_finds_the_state_that_the_step_before_it_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def count(asked: Call) -> Answer:
        total = asked.weights["total"] + asked.inputs[0].sum()
        return Answer(outputs=(total,), state={"total": total})

    monkeypatch.setitem(cast(dict[str, Definition], layers.LAYERS), "Count", count)
    config = {"layer": {"class_name": "Count", "config": {"name": "count"}}}
    asked = Call(layer="TimeDistributed", config=config, inputs=(np.ones((2, 3)),), weights={"count/total": np.ones(1)})
    answer = call(asked)
    np.testing.assert_array_equal(answer.outputs[0], [[3.0, 5.0, 7.0]])
    np.testing.assert_array_equal(answer.state["count/total"], [7.0])


def test_time_distributed_is_in_the_mode_of_the_call_around_it() -> None:
    dropout = {"class_name": "Dropout", "config": {"name": "dropout", "rate": 0.5}}
    np.testing.assert_array_equal(time_distributed(dropout, X), X)
    with pytest.raises(Undefined, match="draws random numbers"):
        time_distributed(dropout, X, training=True)
