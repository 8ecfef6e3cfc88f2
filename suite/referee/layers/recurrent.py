"""Definitions of recurrent layers: a cell goes over the steps of a sequence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from suite.referee.activations import Floats
from suite.referee.definition import Answer, Call, Definition, Undefined
from suite.referee.layers.cells import Cell, States, cell_of, refuse_dropout
from suite.referee.layers.masks import Mask, mask_of

# The cell of each layer that makes its own, and the name that it gives to it.
OWN_CELL = {
    "SimpleRNN": ("SimpleRNNCell", "simple_rnn_cell"),
    "GRU": ("GRUCell", "gru_cell"),
    "LSTM": ("LSTMCell", "lstm_cell"),
    "ConvLSTM1D": ("ConvLSTMCell", "conv_lstm_cell"),
    "ConvLSTM2D": ("ConvLSTMCell", "conv_lstm_cell"),
    "ConvLSTM3D": ("ConvLSTMCell", "conv_lstm_cell"),
}


def recurrent(asked: Call) -> Answer:
    """The cell is applied to one step after the other, each time with the states that the step before left.

    The input is (rows, steps, ...), the output that of the last step, or with return_sequences (rows, steps, ...), in the
    order in which the steps were taken. go_backwards takes the last step first. return_state adds the last states.

    A step whose mask is False changes no state, and its output is that of the step before it, or 0 if there is none; with
    zero_output_for_mask and return_sequences it is 0.

    The first states are the argument "initial_state" (nested as it likes), or further inputs, or zeros. Source: Keras, RNN
    layer; ONNX operators RNN, GRU, LSTM (which have no masks).

    Raises:
        Undefined: dropout in training; a cell that is not Keras's; a stateful layer without an initial state, because the
            states it keeps are no weights of it.
    """
    refuse_dropout(asked.config, asked.training)
    cell = cell_of(_cell_in(asked), asked.weights)
    sequence = np.asarray(asked.inputs[0], np.float64)
    outputs, states = run(cell, sequence, _first_states(asked, cell, sequence), _step_mask(asked), asked.config)
    answer = outputs if asked.config["return_sequences"] else outputs[:, -1]
    return Answer(outputs=(answer, *states) if asked.config["return_state"] else (answer,))


def run(cell: Cell, sequence: Floats, states: States, mask: Mask | None, config: Mapping[str, Any]) -> tuple[Floats, States]:
    """The outputs of all steps, (rows, steps, ...) in the order in which they were taken, and the last states."""
    order = range(sequence.shape[1])
    zero = config.get("zero_output_for_mask", False) and config["return_sequences"]
    outputs: list[Floats] = []
    for at in reversed(order) if config["go_backwards"] else order:
        output, renewed = cell.step(sequence[:, at], states)
        if mask is not None:
            without = outputs[-1] if outputs and not zero else np.zeros_like(output)
            output = _chosen(mask[:, at], output, without)
            renewed = tuple(_chosen(mask[:, at], new, old) for new, old in zip(renewed, states, strict=True))
        outputs.append(output)
        states = renewed
    return np.stack(outputs, axis=1), states


def _chosen(kept: Mask, new: Floats, old: Floats) -> Floats:
    """For each row, the new array where the step counts, else the old one."""
    return np.where(kept.reshape(-1, *[1] * (new.ndim - 1)), new, old)


def _cell_in(asked: Call) -> Mapping[str, Any]:
    if asked.layer not in OWN_CELL:
        cell: Mapping[str, Any] = asked.config["cell"]
        return cell
    kind, name = OWN_CELL[asked.layer]
    return {"class_name": kind, "config": {**asked.config, "name": name}}


def _first_states(asked: Call, cell: Cell, sequence: Floats) -> States:
    given = list(_flat(asked.arguments.get("initial_state"))) or list(asked.inputs[1:])
    zeros = cell.zeros(sequence[:, 0])
    if not given and asked.config["stateful"]:
        raise Undefined("continues from the states of its last call, which are no weights of it: give them as initial_state")
    if given and [state.shape for state in given] != [state.shape for state in zeros]:
        shapes = [[state.shape for state in states] for states in (given, zeros)]
        raise Undefined(f"initial states of shapes {shapes[0]}, and those of the cell are {shapes[1]}")
    return tuple(np.asarray(state, np.float64) for state in given) or zeros


def _step_mask(asked: Call) -> Mask | None:
    mask = mask_of(asked)
    if mask is not None and mask.shape != asked.inputs[0].shape[:2]:
        raise Undefined(f"a mask of shape {mask.shape} for a sequence of shape {asked.inputs[0].shape}")
    return mask


def _flat(nested: Any) -> Iterable[Floats]:
    if nested is None:
        return
    if isinstance(nested, list | tuple):
        for item in nested:
            yield from _flat(item)
    else:
        yield np.asarray(nested)


LAYERS: Mapping[str, Definition] = dict.fromkeys(("RNN", *OWN_CELL), recurrent)
