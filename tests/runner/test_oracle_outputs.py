"""Which outputs an oracle's pass leaves to be compared. With a stand-in for Keras."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from suite.runner import keras_versions, models
from suite.runner.oracle import jobs

ROWS = 4


class Operation:
    def __call__(self, *args: Any) -> Any:
        return self.call(*args)  # type: ignore[attr-defined]


class Layer(Operation):
    """It returns counts, its input, and its input once more."""

    def call(self, x: Any) -> Any:
        return np.arange(ROWS), x, x + 1.0


class Recurrent(Layer):
    """It calls its cell for each step."""

    def __init__(self) -> None:
        self.cell = Layer()

    def call(self, x: Any) -> Any:
        for _ in range(3):
            self.cell(x)
        return 2.0 * x


class Traced(Layer):
    """Its output holds no numbers."""

    def call(self, x: Any) -> Any:
        return np.full(ROWS, np.nan)


class Model(Layer):
    """It calls an operation of no rows, one of rows, and a layer."""

    def __init__(self) -> None:
        self.layer = Layer()

    def call(self, x: Any) -> Any:
        ops = sys.modules["keras"].ops
        ops.sigmoid(np.ones(3))
        ops.sigmoid(np.float64(1.0))
        return self.layer(ops.sigmoid(x))


@dataclass
class Oracle:
    model: Model
    passed: int = 0
    entered: int = 0
    rows: int = ROWS


class Tree:
    @staticmethod
    def flatten(made: Any) -> list[Any]:
        return list(made) if isinstance(made, tuple) else [made]


@pytest.fixture(autouse=True)
def keras(monkeypatch: pytest.MonkeyPatch) -> None:
    keras, ops, backend = (ModuleType(name) for name in ("keras", "keras.ops", "keras.backend"))
    monkeypatch.setitem(sys.modules, "keras", keras)
    keras.ops, keras.backend = ops, backend  # type: ignore[attr-defined]
    keras.Operation, keras.Layer, keras.Model = Operation, Layer, Model  # type: ignore[attr-defined]
    keras.layers = ModuleType("keras.layers")  # type: ignore[attr-defined]
    keras.layers.RNN = Recurrent
    ops.sigmoid = lambda x: 1.0 / (1.0 + np.exp(-x))  # type: ignore[attr-defined]
    ops.is_tensor = lambda x: isinstance(x, np.ndarray | np.float64)  # type: ignore[attr-defined]
    ops.convert_to_numpy = ops.stop_gradient = lambda x: x  # type: ignore[attr-defined]
    backend.standardize_dtype = str  # type: ignore[attr-defined]
    monkeypatch.setattr(keras_versions, "tree", Tree)


def test_operations_of_no_rows_are_counted_and_left_out_and_of_several_outputs_the_first_of_floats_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a replica computes of no rows would be put together with that of the others as if it were rows."""
    oracle, x = Oracle(Model()), np.linspace(-1.0, 1.0, ROWS)
    monkeypatch.setattr(models, "layer_paths", lambda model: {id(oracle.model.layer): "two"})
    with jobs.outputs_of(oracle) as passes:  # type: ignore[arg-type]
        for replica in range(2):
            oracle.passed, oracle.entered = oracle.passed + 1, replica
            oracle.model(x + replica)
    assert list(passes) == [0, 1]
    for replica, outputs in passes.items():
        assert list(outputs) == ["sigmoid#3", "two"]
        assert np.array_equal(outputs["two"], outputs["sigmoid#3"])
        assert np.allclose(outputs["two"], 1.0 / (1.0 + np.exp(-x - replica)))


def test_what_is_inside_of_a_loop_or_is_traced_is_left_out_and_costs_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def numbers(value: np.ndarray) -> np.ndarray:
        if np.isnan(value).any():
            raise TypeError("a tracer has no numbers")
        return value

    monkeypatch.setattr(sys.modules["keras"].ops, "convert_to_numpy", numbers)
    recurrent, traced, last = Recurrent(), Traced(), Layer()
    oracle, x = Oracle(Model(), passed=1), np.ones(ROWS)
    named = {id(recurrent): "gru", id(recurrent.cell): "gru/cell", id(traced): "traced", id(last): "last"}
    monkeypatch.setattr(models, "layer_paths", lambda model: named)
    with jobs.outputs_of(oracle) as passes:  # type: ignore[arg-type]
        for layer in (recurrent, traced, last):
            layer(x)
    assert list(passes[0]) == ["gru", "last"]
