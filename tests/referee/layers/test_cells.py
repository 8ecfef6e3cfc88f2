"""Single steps of recurrent cells, and stacks of cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suite.referee.activations import hard_sigmoid, relu
from suite.referee.definition import Array, Call, Undefined
from suite.referee.layers import call
from tests.referee.layers.recurrences import CELL, ROWS, UNITS, X, onnx_recurrence, random_weights

DRAW = np.random.default_rng(9)
COMMON = {"units": UNITS, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True, "reset_after": True}


def step(cell: str, weights: dict[str, Array], states: int, **config: Any) -> tuple[tuple[Array, ...], list[Array]]:
    given = [DRAW.normal(size=(ROWS, UNITS)) for _ in range(states)]
    asked = Call(layer=cell, config={**COMMON, **config}, inputs=(X[:, 0], *given), weights=weights)
    return call(asked).outputs, given


@pytest.mark.parametrize(("kind", "states"), [("SimpleRNN", 1), ("GRU", 1), ("LSTM", 2)])
def test_one_step_of_a_cell_is_a_sequence_of_one_step(kind: str, states: int) -> None:
    weights = dict(random_weights(kind))
    (output, *renewed), given = step(f"{kind}Cell", weights, states)
    sequence, *last = onnx_recurrence(kind, weights, X[:, :1], given)
    np.testing.assert_allclose(output, sequence[:, 0], rtol=1e-12)
    for state, expected in zip(renewed, last, strict=True):
        np.testing.assert_allclose(state, expected, rtol=1e-12)


def test_the_gates_of_an_lstm_take_the_recurrent_activation_and_its_states_the_other() -> None:
    weights = dict(random_weights("LSTM"))
    config = {"activation": "relu", "recurrent_activation": "hard_sigmoid"}
    (output, _, carry), (hidden, before) = step("LSTMCell", weights, 2, **config)
    enter = X[:, 0] @ weights["kernel"] + hidden @ weights["recurrent_kernel"] + weights["bias"]
    take, keep, candidate, show = np.split(enter, 4, axis=1)
    np.testing.assert_allclose(carry, hard_sigmoid(keep) * before + hard_sigmoid(take) * relu(candidate), rtol=1e-13)
    np.testing.assert_allclose(output, hard_sigmoid(show) * relu(carry), rtol=1e-13)


def test_the_gates_of_a_gru_take_the_recurrent_activation_and_its_candidate_the_other() -> None:
    weights = dict(random_weights("GRU before"))
    config = {"activation": "relu", "recurrent_activation": "hard_sigmoid", "reset_after": False}
    (output, _), (hidden,) = step("GRUCell", weights, 1, **config)
    enter = np.split(X[:, 0] @ weights["kernel"] + weights["bias"], 3, axis=1)
    kernels = np.split(weights["recurrent_kernel"], 3, axis=1)
    update, reset = (hard_sigmoid(enter[gate] + hidden @ kernels[gate]) for gate in (0, 1))
    candidate = relu(enter[2] + (reset * hidden) @ kernels[2])
    np.testing.assert_allclose(output, update * hidden + (1.0 - update) * candidate, rtol=1e-13)


def test_stacked_cells_feed_each_other_and_keep_their_states_in_order() -> None:
    first, second = random_weights("LSTM"), random_weights("GRU", features=UNITS)
    cells = [{"class_name": f"{kind}Cell", "config": {**COMMON, "name": CELL[kind]}} for kind in ("LSTM", "GRU")]
    config = {"cells": cells, "return_sequences": True, "return_state": True, "go_backwards": False, "stateful": False}
    named = {f"stack/lstm_cell/{name}": value for name, value in first.items()}
    named |= {f"stack/gru_cell/{name}": value for name, value in second.items()}
    stack = {"class_name": "StackedRNNCells", "config": {"name": "stack", "cells": cells}}
    answer = call(Call(layer="RNN", config={**config, "cell": stack}, inputs=(X,), weights=named))
    middle, *lower = onnx_recurrence("LSTM", first, X, [])
    top, upper = onnx_recurrence("GRU", second, middle, [])
    for output, expected in zip(answer.outputs, (top, *lower, upper), strict=True):
        np.testing.assert_allclose(output, expected, rtol=1e-12)


def test_dropout_of_a_cell_inside_a_stack_draws_random_numbers() -> None:
    inner = {"class_name": "GRUCell", "config": {**COMMON, "name": "gru_cell", "dropout": 0.5}}
    stack = {"class_name": "StackedRNNCells", "config": {"name": "stack", "cells": [inner]}}
    config = {"cell": stack, "return_sequences": True, "return_state": True, "go_backwards": False, "stateful": False}
    with pytest.raises(Undefined, match="draws random numbers"):
        call(Call(layer="RNN", config=config, inputs=(X,), training=True))
