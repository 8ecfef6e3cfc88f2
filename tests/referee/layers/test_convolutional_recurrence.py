"""Convolutional LSTM layers: with a window of one place, an LSTM at each place; with larger windows, ONNX's Conv."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suite.referee.activations import sigmoid
from suite.referee.definition import Array, Arrays, Call
from suite.referee.layers import call
from tests.referee.layers.recurrences import ROWS, STEPS, UNITS, onnx_recurrence, random_weights
from tests.referee.onnx_operator import onnx_operator

DRAW = np.random.default_rng(21)
CONFIG = {
    "filters": UNITS, "kernel_size": [1], "strides": 1, "padding": "valid", "data_format": "channels_last",
    "dilation_rate": 1, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True, "stateful": False,
    "return_sequences": True, "return_state": True, "go_backwards": False, "dropout": 0.0, "recurrent_dropout": 0.0,
}  # fmt: skip
MASK = np.array([[True] * 4, [True, True, False, False], [False, True, False, True]])


def outputs(layer: str, weights: Arrays, x: Array, config: dict[str, Any], **rest: Any) -> tuple[Array, ...]:
    named = {f"conv_lstm_cell/{name}": value for name, value in weights.items()}
    return call(Call(layer=layer, config={**CONFIG, **config}, inputs=(x,), weights=named, **rest)).outputs


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_with_a_window_of_one_place_it_is_an_lstm_at_each_place(rank: int, data_format: str) -> None:
    places, weights = (2, 3, 2)[:rank], random_weights("LSTM")
    wide = {name: array.reshape(*[1] * rank, *array.shape) if array.ndim > 1 else array for name, array in weights.items()}
    x = DRAW.normal(size=(ROWS, STEPS, *places, 2))
    given = np.moveaxis(x, -1, 2) if data_format == "channels_first" else x
    sequence, hidden, carry = outputs(
        f"ConvLSTM{rank}D", wide, given, {"kernel_size": [1] * rank, "data_format": data_format}
    )
    if data_format == "channels_first":
        sequence, hidden, carry = np.moveaxis(sequence, 2, -1), np.moveaxis(hidden, 1, -1), np.moveaxis(carry, 1, -1)
    for place in np.ndindex(*places):
        expected = onnx_recurrence("LSTM", weights, x[(slice(None), slice(None), *place)], [])
        np.testing.assert_allclose(sequence[(slice(None), slice(None), *place)], expected[0], rtol=1e-12)
        np.testing.assert_allclose(hidden[(slice(None), *place)], expected[1], rtol=1e-12)
        np.testing.assert_allclose(carry[(slice(None), *place)], expected[2], rtol=1e-12)


@pytest.mark.parametrize(
    ("padding", "strides", "dilation"), [("valid", 2, 1), ("same", 1, 2), ("valid", 1, 1), ("same", 2, 1)]
)
def test_its_products_are_convolutions(padding: str, strides: int, dilation: int) -> None:
    weights = {
        "kernel": DRAW.normal(size=(3, 2, 2, 4 * UNITS)),
        "recurrent_kernel": DRAW.normal(size=(3, 2, UNITS, 4 * UNITS)),
        "bias": DRAW.normal(size=4 * UNITS),
    }
    x = DRAW.normal(size=(ROWS, 1, 2, 6, 7))
    attributes: dict[str, Any] = {"strides": [strides] * 2, "dilations": [dilation] * 2, "auto_pad": "SAME_UPPER"}
    if padding == "valid":
        attributes["auto_pad"] = "VALID"
    of_input, of_state = (np.moveaxis(weights[name], (-1, -2), (0, 1)) for name in ("kernel", "recurrent_kernel"))
    enter = onnx_operator("Conv", x[:, 0], of_input, weights["bias"], **attributes)[0]
    hidden, carry = (DRAW.normal(size=(ROWS, UNITS, *enter.shape[2:])) for _ in range(2))
    again = onnx_operator("Conv", hidden, of_state, auto_pad="SAME_UPPER")[0]
    take, keep, candidate, show = np.split(enter + again, 4, axis=1)
    config = {
        "kernel_size": [3, 2], "strides": [strides] * 2, "padding": padding, "dilation_rate": [dilation] * 2,
        "data_format": "channels_first",
    }  # fmt: skip
    answer, _, after = outputs("ConvLSTM2D", weights, x, config, arguments={"initial_state": [hidden, carry]})
    np.testing.assert_allclose(after, sigmoid(keep) * carry + sigmoid(take) * np.tanh(candidate), rtol=1e-11)
    np.testing.assert_allclose(answer[:, 0], sigmoid(show) * np.tanh(after), rtol=1e-11)


def test_a_mask_keeps_whole_images() -> None:
    weights = {name: DRAW.normal(size=(2, *array.shape)) for name, array in random_weights("LSTM", biased=False).items()}
    config, x = {"kernel_size": [2], "padding": "same", "use_bias": False}, DRAW.normal(size=(ROWS, STEPS, 3, 2))
    sequence, hidden, _ = outputs("ConvLSTM1D", weights, x, config, masks=(MASK,))
    _, expected, _ = outputs("ConvLSTM1D", weights, x[2:, [1, 3]], config)
    np.testing.assert_allclose(hidden[2:], expected, rtol=1e-13)
    np.testing.assert_array_equal(sequence[2, 0], np.zeros((3, UNITS)))
