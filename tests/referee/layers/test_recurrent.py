"""Recurrent layers against ONNX's RNN, GRU and LSTM, and against steps taken by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suite.referee.definition import Array, Arrays, Call, Undefined
from suite.referee.layers import call
from tests.referee.layers.recurrences import CELL, FEATURES, ROWS, STEPS, UNITS, X, onnx_recurrence, random_weights

LAYERS = {"SimpleRNN": {}, "GRU": {"reset_after": True}, "GRU before": {"reset_after": False}, "LSTM": {}}
DEFAULTS = {
    "units": UNITS, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True, "stateful": False,
    "return_sequences": True, "return_state": True, "go_backwards": False, "dropout": 0.0, "recurrent_dropout": 0.0,
}  # fmt: skip
# Row 0 has every step, row 1 the first two, row 2 neither its first step nor its third.
MASK = np.array([[True] * 4, [True, True, False, False], [False, True, False, True]])


def outputs(kind: str, weights: Arrays, inputs: tuple[Array, ...] = (X,), **rest: Any) -> tuple[Array, ...]:
    layer = kind.split()[0]
    changes = rest.pop("config", {})
    named = {f"{CELL[layer]}/{name}": value for name, value in weights.items()}
    config = {**DEFAULTS, **LAYERS[kind], **changes}
    return call(Call(layer=layer, config=config, inputs=inputs, weights=named, **rest)).outputs


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("started", [True, False])
def test_a_recurrent_layer_is_what_onnx_computes(kind: str, biased: bool, started: bool) -> None:
    weights = random_weights(kind, biased)
    states = [np.random.default_rng(5).normal(size=(ROWS, UNITS)) for _ in range(2 if kind == "LSTM" else 1)]
    expected = onnx_recurrence(kind, weights, X, states if started else [])
    arguments = {"initial_state": states} if started else {}
    answers = outputs(kind, weights, arguments=arguments, config={"use_bias": biased})
    for answer, array in zip(answers, expected, strict=True):
        np.testing.assert_allclose(answer, array, rtol=1e-12)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_without_sequences_gives_the_last_output(kind: str) -> None:
    weights = random_weights(kind)
    sequence, *_ = outputs(kind, weights)
    (last,) = outputs(kind, weights, config={"return_sequences": False, "return_state": False})
    np.testing.assert_array_equal(last, sequence[:, -1])


@pytest.mark.parametrize("kind", LAYERS)
def test_going_backwards_takes_the_last_step_first(kind: str) -> None:
    weights = random_weights(kind)
    backwards = outputs(kind, weights, config={"go_backwards": True})
    for answer, array in zip(backwards, outputs(kind, weights, inputs=(X[:, ::-1],)), strict=True):
        np.testing.assert_array_equal(answer, array)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("backwards", [False, True])
def test_masked_steps_leave_states_and_outputs_as_they_were(kind: str, backwards: bool) -> None:
    weights, config = random_weights(kind), {"go_backwards": backwards}
    sequence, *states = outputs(kind, weights, masks=(MASK,), config=config)
    for row in range(ROWS):
        kept = MASK[row][::-1] if backwards else MASK[row]
        short, *last = outputs(kind, weights, inputs=(X[row : row + 1, MASK[row]],), config=config)
        np.testing.assert_allclose(sequence[row, kept], short[0], rtol=1e-13)
        for state, expected in zip(states, last, strict=True):
            np.testing.assert_allclose(state[row], expected[0], rtol=1e-13)
        for step in np.flatnonzero(~kept):
            np.testing.assert_array_equal(sequence[row, step], sequence[row, step - 1] if step else np.zeros(UNITS))


def test_the_output_of_a_masked_first_step_is_zero_whatever_the_state() -> None:
    arguments = {"initial_state": [np.ones((ROWS, UNITS))], "mask": MASK}
    sequence, _ = outputs("GRU", random_weights("GRU"), arguments=arguments)
    np.testing.assert_array_equal(sequence[2, 0], np.zeros(UNITS))


def test_masked_outputs_are_zero_if_asked_for_and_only_in_a_sequence() -> None:
    weights, zero = random_weights("LSTM"), {"zero_output_for_mask": True}
    sequence, *_ = outputs("LSTM", weights, masks=(MASK,), config=zero)
    usual, *_ = outputs("LSTM", weights, masks=(MASK,))
    np.testing.assert_array_equal(sequence, np.where(MASK[..., np.newaxis], usual, 0.0))
    last, *_ = outputs("LSTM", weights, masks=(MASK,), config=zero | {"return_sequences": False})
    np.testing.assert_array_equal(last, usual[:, -1])


def test_a_simple_step_by_hand() -> None:
    weights = {"kernel": np.array([[0.5]]), "recurrent_kernel": np.array([[2.0]]), "bias": np.array([0.25])}
    config = {"activation": "linear", "units": 1}
    (sequence, state) = outputs("SimpleRNN", weights, inputs=(np.array([[[1.0], [2.0]]]),), config=config)
    np.testing.assert_array_equal(sequence, [[[0.75], [2.75]]])
    np.testing.assert_array_equal(state, [[2.75]])


def test_further_inputs_are_initial_states() -> None:
    states = [np.full((ROWS, UNITS), 0.5), np.full((ROWS, UNITS), -0.5)]
    weights = random_weights("LSTM")
    as_inputs = outputs("LSTM", weights, inputs=(X, *states))
    as_argument = outputs("LSTM", weights, arguments={"initial_state": tuple(states)})
    np.testing.assert_array_equal(as_inputs[0], as_argument[0])


def test_a_stateful_layer_needs_its_states() -> None:
    weights, config = random_weights("GRU"), {"stateful": True}
    with pytest.raises(Undefined, match="the states of its last call, which are no weights of it"):
        outputs("GRU", weights, config=config)
    zeros = outputs("GRU", weights, config=config, arguments={"initial_state": [np.zeros((ROWS, UNITS))]})
    np.testing.assert_array_equal(zeros[0], outputs("GRU", weights)[0])


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ({"arguments": {"initial_state": [np.zeros((ROWS, 1))]}}, r"initial states of shapes \[\(3, 1\)\]"),
        ({"masks": (np.ones((ROWS, STEPS, FEATURES), np.bool_),)}, r"a mask of shape \(3, 4, 2\) for a sequence"),
        ({"training": True, "config": {"dropout": 0.5}}, "draws random numbers"),
        ({"training": True, "config": {"recurrent_dropout": 0.5}}, "draws random numbers"),
    ],
)
def test_what_a_recurrent_layer_does_not_define(rest: dict[str, Any], words: str) -> None:
    with pytest.raises(Undefined, match=words):
        outputs("GRU", random_weights("GRU"), **rest)


def test_dropout_does_nothing_in_inference_and_a_rate_of_zero_nothing_in_training() -> None:
    weights = random_weights("GRU")
    inference = outputs("GRU", weights, config={"dropout": 0.5, "recurrent_dropout": 0.5})
    training = outputs("GRU", weights, training=True)
    np.testing.assert_array_equal(inference[0], training[0])


def test_rnn_applies_the_cell_that_it_holds() -> None:
    weights = random_weights("LSTM")
    cell = {"class_name": "LSTMCell", "config": {**DEFAULTS, "name": "inner"}}
    named = {f"inner/{name}": value for name, value in weights.items()}
    answer = call(Call(layer="RNN", config={**DEFAULTS, "cell": cell}, inputs=(X,), weights=named))
    np.testing.assert_array_equal(answer.outputs[0], outputs("LSTM", weights)[0])


@pytest.mark.parametrize(
    ("cell", "name"),
    [({"class_name": "MyCell"}, "the cell MyCell"), ({"module": "mine", "class_name": "GRUCell"}, "mine.GRUCell")],
)
def test_rnn_of_a_cell_of_the_user_is_undefined(cell: dict[str, str], name: str) -> None:
    config = {**DEFAULTS, "cell": {**cell, "config": {"name": "mine"}}}
    with pytest.raises(Undefined, match=f"no independent definition of {name}"):
        call(Call(layer="RNN", config=config, inputs=(X,)))
