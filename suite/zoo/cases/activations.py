"""Activations: by name, and layers of their own."""

from __future__ import annotations

from collections.abc import Iterator

from suite.records.zoo import Case
from suite.zoo.cases.families import layers, one, padding
from suite.zoo.covering import Choice

NAMES = (
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu",
    "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax",
    "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "tanh", "tanh_shrink",
)  # fmt: skip
SHAPES = [(3, 4), (2, 3, 6)]


def cases() -> Iterator[Case]:
    yield from layers(
        ["Activation"],
        lambda choice: one(*choice["shape"], holds=choice["holds"]),
        arguments={"activation": NAMES},
        about={"shape": SHAPES, "holds": ["normal", "saturated"]},
        allowed=lambda choice: (choice["activation"], choice["holds"]) != ("exponential", "saturated"),
    )
    yield from _piecewise()
    yield from _softmax()


def _piecewise() -> Iterator[Case]:
    def build(choice: Choice) -> dict[str, object]:
        return one(*choice["shape"])

    relu = {"negative_slope": [None, 0.25, 0.3], "max_value": [None, 1.0], "threshold": [None, 0.5]}
    yield from layers(["ReLU"], build, arguments=relu, about={"shape": SHAPES})
    yield from layers(["LeakyReLU"], build, arguments={"negative_slope": [None, 0.125, 0.1]}, about={"shape": SHAPES})
    yield from layers(["ELU"], build, arguments={"alpha": [None, 0.5]}, about={"shape": SHAPES})
    yield from layers(["PReLU"], build, arguments={"shared_axes": [None, [1]]}, about={"shape": [(3, 4), (2, 3, 6)]})


def _softmax() -> Iterator[Case]:
    def build(choice: Choice) -> dict[str, object]:
        fields = one(*choice["shape"], holds=choice["holds"])
        if choice["masked"]:
            fields["masks"] = (padding(*choice["shape"]),)
        return fields

    yield from layers(
        ["Softmax"],
        build,
        arguments={"axis": [None, 1, [1, 2]]},
        about={"shape": [(2, 3), (2, 3, 4)], "holds": ["normal", "saturated"], "masked": [False, True]},
        allowed=lambda choice: len(choice["shape"]) == 3 or not isinstance(choice["axis"], list),
    )
