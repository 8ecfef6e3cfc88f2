"""Recurrent layers, what wraps them, and other wrappers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suite.records.zoo import Case, Values
from suite.zoo.cases.families import FORMATS, NONE, layers, nested, one, padding, picture
from suite.zoo.covering import Choice

UNITS = 3
STATES = {"SimpleRNN": 1, "GRU": 1, "LSTM": 2}
SHAPES = [(2, 5, 4), (3, 3, 2), (1, 1, 3), (2, 7, 3)]


def cases() -> Iterator[Case]:
    for name in STATES:
        yield from _recurrent(name)
    yield from _cells()
    yield from _bidirectional()
    yield from _convolutional()
    yield from _wrappers()


def _sequence(choice: Choice) -> dict[str, Any]:
    fields = one(*choice["shape"])
    if choice.get("masked"):
        fields["masks"] = (padding(*choice["shape"][:2]),)
    return fields


def _recurrent(name: str) -> Iterator[Case]:
    def build(choice: Choice) -> dict[str, Any]:
        fields = _sequence(choice)
        if choice["initial"]:
            states = tuple(Values(shape=(choice["shape"][0], UNITS)) for _ in range(STATES[name]))
            fields |= {"inputs": (*fields["inputs"], *states), "passed": "states"}
            if "masks" in fields:
                fields["masks"] = (*fields["masks"], *(None for _ in states))
        return fields

    arguments: dict[str, list[Any]] = {
        "units": [UNITS],
        "activation": [None, "relu", "linear"],
        "use_bias": [None, False],
        "return_sequences": [None, True],
        "return_state": [None, True],
        "go_backwards": [None, True],
        "unroll": [None, True],
    }
    if name != "SimpleRNN":
        arguments |= {"recurrent_activation": [None, "hard_sigmoid"], "zero_output_for_mask": [None, True]}
    if name == "GRU":
        arguments |= {"reset_after": [None, False]}
    if name == "LSTM":
        arguments |= {"unit_forget_bias": [None, False]}
    about = {"shape": SHAPES, "masked": [False, True], "initial": [False, True]}
    yield from layers([name], build, arguments=arguments, about=about)


CELLS = [
    nested("LSTMCell", units=2),
    nested("GRUCell", units=2, reset_after=False),
    [nested("SimpleRNNCell", units=3), nested("LSTMCell", units=2)],
    nested("StackedRNNCells", cells=[nested("GRUCell", units=2), nested("GRUCell", units=4)]),
]


def _cells() -> Iterator[Case]:
    arguments = {
        "cell": CELLS,
        "return_sequences": [None, True],
        "return_state": [None, True],
        "go_backwards": [None, True],
        "unroll": [None, True],
        "zero_output_for_mask": [None, True],
    }
    yield from layers(["RNN"], _sequence, arguments=arguments, about={"shape": SHAPES[:2], "masked": [False, True]})


INNER = [
    nested("LSTM", units=2),
    nested("GRU", units=2, return_sequences=True),
    nested("SimpleRNN", units=3, return_sequences=True, return_state=True),
    nested("LSTM", units=2, return_sequences=True, zero_output_for_mask=True),
]


def _bidirectional() -> Iterator[Case]:
    yield from layers(
        ["Bidirectional"],
        _sequence,
        arguments={"layer": INNER, "merge_mode": [None, "sum", "mul", "ave", NONE]},
        about={"shape": SHAPES[:2], "masked": [False, True]},
    )


def _convolutional() -> Iterator[Case]:
    places = {1: [(2, (5,), 2), (1, (6,), 3)], 2: [(1, (4, 5), 2), (2, (3, 3), 3)], 3: [(1, (3, 4, 3), 2)]}
    for rank in (1, 2, 3):

        def build(choice: Choice) -> dict[str, Any]:
            rows, size, channels = choice["places"]
            inner = picture(choice, rows, size, channels)["inputs"][0].shape
            fields = one(inner[0], choice["steps"], *inner[1:])
            if choice["masked"]:
                fields["masks"] = (padding(rows, choice["steps"]),)
            return fields

        arguments = {
            "filters": [2, 3],
            "kernel_size": [2, 3],
            "padding": [None, "same"],
            "strides": [None, 2],
            "data_format": FORMATS,
            "use_bias": [None, False],
            "return_sequences": [None, True],
            "return_state": [None, True],
            "go_backwards": [None, True],
        }
        yield from layers(
            [f"ConvLSTM{rank}D"],
            build,
            arguments=arguments,
            about={"places": places[rank], "steps": [3, 1], "masked": [False, True]},
        )


def _wrappers() -> Iterator[Case]:
    inner = [
        nested("Dense", units=2),
        nested("Dense", units=3, activation="tanh"),
        nested("BatchNormalization"),
        nested("LayerNormalization"),
    ]
    about = {"shape": SHAPES[:2], "masked": [False, True], "training": [False, True]}
    yield from layers(["TimeDistributed"], _sequence, arguments={"layer": inner}, about=about)
    yield from layers(
        ["TimeDistributed"],
        lambda choice: one(2, 3, 5, 4, 2),
        arguments={"layer": [nested("Conv2D", filters=2, kernel_size=2), nested("MaxPooling2D"), nested("Flatten")]},
    )
