"""Sequences and weights of recurrent cells, and what ONNX's operators compute from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from suite.referee.definition import Array, Arrays
from tests.referee.onnx_operator import onnx_operator

ROWS, STEPS, FEATURES, UNITS = 3, 4, 2, 5
X = np.random.default_rng(1).normal(size=(ROWS, STEPS, FEATURES))
CELL = {"SimpleRNN": "simple_rnn_cell", "GRU": "gru_cell", "LSTM": "lstm_cell"}
GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}
ONNX_ORDER = {"SimpleRNN": [0], "GRU": [0, 1, 2], "LSTM": [0, 3, 1, 2]}  # i, o, f, c of Keras's i, f, c, o


def random_weights(kind: str, biased: bool = True, features: int = FEATURES) -> Arrays:
    """Weights of one cell, by Keras's names. `kind`: "SimpleRNN", "GRU", "GRU before" (reset before), "LSTM"."""
    draw, width = np.random.default_rng(len(kind)), GATES[kind.split()[0]] * UNITS
    weights = {
        "kernel": draw.normal(size=(features, width)),
        "recurrent_kernel": draw.normal(size=(UNITS, width)),
        "bias": draw.normal(size=(2, width) if kind == "GRU" else width),
    }
    return weights if biased else {name: weights[name] for name in ("kernel", "recurrent_kernel")}


def onnx_recurrence(kind: str, weights: Arrays, x: Array, states: Sequence[Array]) -> list[Array]:
    """The sequence of outputs (rows, steps, units) and the last states, of ONNX's operator with the same weights."""
    layer = kind.split()[0]
    bias = np.atleast_2d(weights.get("bias", np.zeros(weights["kernel"].shape[1])))
    both = [_reordered(layer, part) for part in (*bias, *np.zeros((2 - len(bias), bias.shape[1])))]
    matrices = [_reordered(layer, weights[name]).T[np.newaxis] for name in ("kernel", "recurrent_kernel")]
    attributes = {"linear_before_reset": int(kind == "GRU")} if layer == "GRU" else {}
    answers = onnx_operator(
        layer.removeprefix("Simple"),
        np.swapaxes(x, 0, 1),
        *matrices,
        np.concatenate(both)[np.newaxis],
        None,
        *(state[np.newaxis] for state in states),
        outputs=3 if layer == "LSTM" else 2,
        hidden_size=UNITS,
        **attributes,
    )
    sequence, *last = answers
    return [np.swapaxes(sequence[:, 0], 0, 1), *(state[0] for state in last)]


def _reordered(layer: str, array: Array) -> Array:
    parts = np.split(array, GATES[layer], axis=-1)
    return np.concatenate([parts[gate] for gate in ONNX_ORDER[layer]], axis=-1)
