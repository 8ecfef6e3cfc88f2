"""What is noted of the formats that layers compute in. With a stand-in for Keras."""

from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite.records import FORMATS
from suite.runner import formats, keras_versions, models

WIDE, HALF = np.ones(2, np.float32), np.ones(2, np.float16)


class Layer:
    """It computes in this format, and converts what it is given if its policy says so."""

    def __init__(self, name: str, dtype: str, returns: Any, *, autocast: bool = True) -> None:
        self.name, self.compute_dtype, self.returns, self.autocast = name, dtype, returns, autocast

    def __call__(self, *args: Any) -> Any:
        return self.returns


class Model(Layer):
    """It is none of its own layers."""


class Operation:
    def __call__(self, *args: Any) -> Any:
        return args


def standard(dtype: Any) -> str:
    if np.dtype(dtype).kind == "O":
        raise ValueError("Invalid dtype: object")
    return str(np.dtype(dtype))


@pytest.fixture(autouse=True)
def keras(monkeypatch: pytest.MonkeyPatch) -> None:
    keras = ModuleType("keras")
    keras.Layer, keras.Model, keras.Operation = Layer, Model, Operation  # type: ignore[attr-defined]
    keras.backend = SimpleNamespace(standardize_dtype=standard)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keras", keras)
    monkeypatch.setattr(
        keras_versions, "tree", lambda: SimpleNamespace(flatten=lambda tree: list(tree) if type(tree) is tuple else [tree])
    )


def noted(monkeypatch: pytest.MonkeyPatch, layers: list[Layer], *calls: tuple[Layer, Any]) -> formats.Found:
    monkeypatch.setattr(models, "layer_paths", lambda model: {id(one): one.name for one in layers})
    monkeypatch.setattr(models, "layers_of", lambda model: layers)
    found: formats.Found = {}
    with formats.seen(object(), found):
        for layer, given in calls:
            layer(given)
    return found


def test_what_a_layer_converts_counts_as_given_its_own_format(monkeypatch: pytest.MonkeyPatch) -> None:
    half, raw = Layer("half", "float16", HALF), Layer("raw", "float16", HALF, autocast=False)
    wide = Layer("wide", "float32", WIDE)
    found = noted(
        monkeypatch, [half, raw, wide], (half, WIDE), (raw, WIDE), (wide, HALF), (Model("m", "float16", HALF), WIDE)
    )
    assert found == {"half": ["float16", "float16"], "raw": ["float32", "float16"], "wide": ["float16", "float32"]}


def test_the_last_call_counts_and_what_cannot_be_told_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    half, wide = Layer("half", "bfloat16", WIDE), Layer("wide", "float32", np.array([None]))
    noted_before = noted(monkeypatch, [half, wide], (half, WIDE), (wide, WIDE))
    assert noted_before == {"half": ["bfloat16", "float32"], "wide": ["float32", ""]}
    half.returns, wide.returns = WIDE, (WIDE, HALF, "text")
    assert noted(monkeypatch, [half, wide], (wide, WIDE), (wide, HALF))["wide"] == ["float16", "float16 and float32"]


def test_a_model_without_16_bits_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = Layer("wide", "float32", WIDE)
    assert noted(monkeypatch, [wide], (wide, HALF)) == {}
    assert formats.facts({}, ["float32"]) == {}
    assert json.loads(formats.facts({"a": ["float16", "float16"]}, ["float32"])[FORMATS])[""] == ["", "float32"]
