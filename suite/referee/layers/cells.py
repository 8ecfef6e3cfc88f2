"""Definitions of recurrent cells: one step, from an input and the states to an output and new states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.referee import layers
from suite.referee.activations import Floats, activation
from suite.referee.definition import Answer, Arrays, Call, Definition, Undefined
from suite.referee.layers.nested import below, refuse_custom

States = tuple[Floats, ...]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """`step`: an input (rows, ...) and the states give the output and the new states. `zeros`: the states before the first
    step, for the input of a step. `states`: how many there are."""

    step: Callable[[Floats, States], tuple[Floats, States]]
    zeros: Callable[[Floats], States]
    states: int


def simple_rnn(config: Mapping[str, Any], weights: Arrays) -> Cell:
    """h' = activation(x W + b + h R); the output is h'.

    Source: Elman 1990; Keras, SimpleRNNCell; ONNX operator RNN. `weights`: kernel W (features, units), recurrent_kernel R
    (units, units), bias b (units,) with use_bias.
    """
    apply = activation(config["activation"])

    def step(x: Floats, states: States) -> tuple[Floats, States]:
        hidden = apply(x @ weights["kernel"] + _bias(config, weights) + states[0] @ weights["recurrent_kernel"])
        return hidden, (hidden,)

    return _cell(step, config["units"])


def gru(config: Mapping[str, Any], weights: Arrays) -> Cell:
    """z = recurrent_activation(x Wz + bz + h Rz + cz), r = recurrent_activation(x Wr + br + h Rr + cr), and
    h~ = activation(x Wh + bh + r * (h Rh + ch)) with reset_after, else activation(x Wh + bh + (r * h) Rh);
    h' = z * h + (1 - z) * h~; the output is h'.

    Source: Cho et al. 2014, version 3 of arXiv 1406.1078 (reset before) and version 1 (reset_after); Keras, GRUCell; ONNX
    operator GRU with linear_before_reset = reset_after. `weights`: kernel W (features, 3 units) and recurrent_kernel R
    (units, 3 units) in the order z, r, h; bias (3 units,), or with reset_after (2, 3 units): b, then c.
    """
    gate, apply = activation(config["recurrent_activation"]), activation(config["activation"])
    after, units = config["reset_after"], config["units"]
    bias = weights["bias"] if config["use_bias"] else np.zeros((2, 3 * units) if after else 3 * units)
    of_input, of_state = bias if after else (bias, np.zeros(3 * units))

    def step(x: Floats, states: States) -> tuple[Floats, States]:
        (hidden,) = states
        input_z, input_r, input_h = _parts(x @ weights["kernel"] + of_input, 3)
        state_z, state_r, state_h = _parts(hidden @ weights["recurrent_kernel"] + of_state, 3)
        update, reset = gate(input_z + state_z), gate(input_r + state_r)
        recurrent = reset * state_h if after else (reset * hidden) @ _parts(weights["recurrent_kernel"], 3)[2]
        hidden = update * hidden + (1.0 - update) * apply(input_h + recurrent)
        return hidden, (hidden,)

    return _cell(step, units)


def lstm(config: Mapping[str, Any], weights: Arrays) -> Cell:
    """i, f, o = recurrent_activation(x W + b + h R) and g = activation(x W + b + h R), each with its own quarter of W, R, b;
    c' = f * c + i * g; h' = o * activation(c'); the output is h', the states are h, c.

    Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; Keras, LSTMCell; ONNX operator LSTM
    without peepholes. `weights`: kernel W (features, 4 units), recurrent_kernel R (units, 4 units), bias b (4 units,), in
    the order i, f, g, o.
    """

    def step(x: Floats, states: States) -> tuple[Floats, States]:
        hidden, carry = states
        gates = x @ weights["kernel"] + _bias(config, weights) + hidden @ weights["recurrent_kernel"]
        return lstm_step(config, _parts(gates, 4), carry)

    return _cell(step, config["units"], config["units"])


def lstm_step(config: Mapping[str, Any], gates: Sequence[Floats], carry: Floats) -> tuple[Floats, States]:
    """The output and the states h', c' from what enters the gates i, f, g, o."""
    gate, apply = activation(config["recurrent_activation"]), activation(config["activation"])
    take, keep, candidate, show = gates
    carry = gate(keep) * carry + gate(take) * apply(candidate)
    hidden = gate(show) * apply(carry)
    return hidden, (hidden, carry)


def conv_lstm(config: Mapping[str, Any], weights: Arrays) -> Cell:
    """As the LSTM's cell, with convolutions in place of the products: that of x as configured, with the bias b; that of h
    with strides of 1, no dilation and the padding "same". There are no peepholes.

    Source: Shi et al. 2015, equation 3; Keras, ConvLSTM2D. `weights`: kernel W (*size, channels, 4 filters),
    recurrent_kernel R (*size, filters, 4 filters), bias b (4 filters,), in the order i, f, g, o.
    """
    channels = 1 if config["data_format"] == "channels_first" else -1
    plain = {**config, "strides": 1, "dilation_rate": 1, "padding": "same", "use_bias": False}
    of_state = {"kernel": weights["recurrent_kernel"]}

    def step(x: Floats, states: States) -> tuple[Floats, States]:
        hidden, carry = states
        gates = _convolved(config, weights, x) + _convolved(plain, of_state, hidden)
        return lstm_step(config, np.split(gates, 4, axis=channels), carry)

    def zeros(x: Floats) -> States:
        state = np.zeros_like(np.split(_convolved(config, weights, x), 4, axis=channels)[0])
        return state, state

    return Cell(step=step, zeros=zeros, states=2)


def _convolved(config: Mapping[str, Any], weights: Arrays, x: Floats) -> Floats:
    asked = {**config, "groups": 1, "activation": None}
    (answer,) = layers.call(Call(layer=f"Conv{x.ndim - 2}D", config=asked, inputs=(x,), weights=weights)).outputs
    return np.asarray(answer, np.float64)


def stacked(config: Mapping[str, Any], weights: Arrays) -> Cell:
    """Each cell's output is the next cell's input; the states are those of the first cell, then those of the second, and so
    on. Source: Keras, StackedRNNCells."""
    cells = [cell_of(cell, weights) for cell in config["cells"]]

    def step(x: Floats, states: States) -> tuple[Floats, States]:
        renewed: States = ()
        for cell in cells:
            x, new = cell.step(x, states[len(renewed) : len(renewed) + cell.states])
            renewed += new
        return x, renewed

    def zeros(x: Floats) -> States:
        return tuple(state for cell in cells for state in cell.zeros(x))

    return Cell(step=step, zeros=zeros, states=sum(cell.states for cell in cells))


CELLS: Mapping[str, Callable[[Mapping[str, Any], Arrays], Cell]] = {
    "SimpleRNNCell": simple_rnn,
    "GRUCell": gru,
    "LSTMCell": lstm,
    "ConvLSTMCell": conv_lstm,
    "StackedRNNCells": stacked,
}


def cell_of(serialized: Mapping[str, Any], weights: Arrays) -> Cell:
    """The cell that a layer's configuration holds, with its weights, which lie below its name.

    Raises:
        Undefined: a cell that Keras does not have.
    """
    refuse_custom(serialized)
    kind, config = serialized["class_name"], serialized["config"]
    if kind not in CELLS:
        raise Undefined(f"there is no independent definition of the cell {kind}")
    return CELLS[kind](config, below(weights, config["name"]))


def refuse_dropout(config: Mapping[str, Any], training: bool) -> None:
    """Raises Undefined if a cell of this configuration, or one inside it, draws random numbers."""
    inner = [cell["config"] for cell in config.get("cells", ())]
    inner += [config["cell"]["config"]] if "cell" in config else []
    if training and (config.get("dropout") or config.get("recurrent_dropout")):
        raise Undefined("draws random numbers")
    for configuration in inner:
        refuse_dropout(configuration, training)


def one_step(asked: Call) -> Answer:
    """One step of a cell: the inputs are x and the states; the outputs are the output and the new states."""
    refuse_dropout(asked.config, asked.training)
    cell = CELLS[asked.layer](asked.config, asked.weights)
    x, *states = (np.asarray(array, np.float64) for array in asked.inputs)
    output, renewed = cell.step(x, tuple(states))
    return Answer(outputs=(output, *renewed))


def _cell(step: Callable[[Floats, States], tuple[Floats, States]], *widths: int) -> Cell:
    """A cell whose states are (rows, width)."""
    return Cell(step=step, zeros=lambda x: tuple(np.zeros((len(x), width)) for width in widths), states=len(widths))


def _bias(config: Mapping[str, Any], weights: Arrays) -> Floats:
    return np.asarray(weights["bias"] if config["use_bias"] else 0.0, np.float64)


def _parts(array: Floats, count: int) -> list[Floats]:
    """Equal parts along the last axis."""
    return list(np.split(array, count, axis=-1))


LAYERS: Mapping[str, Definition] = dict.fromkeys(CELLS, one_step)
