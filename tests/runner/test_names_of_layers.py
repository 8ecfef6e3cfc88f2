"""A layer that has another name once it is loaded is the one in its place, where everything else is alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suite.records import Tensor, TensorGroup
from suite.runner import models
from tests.runner.fake_keras import Variable


class Layer:
    def __init__(self, name: str, variables: dict[str, tuple[int, ...]], layers: list[Any] | None = None) -> None:
        self.name = name
        self._trainable_variables = [Variable(name, np.zeros(shape)) for name, shape in variables.items()]
        self._non_trainable_variables: list[Variable] = []
        self._seed_generators: list[Any] = []
        self._layers = layers or []

    @property
    def variables(self) -> list[Variable]:
        return [*self._trainable_variables, *(one for layer in self._layers for one in layer.variables)]


def loaded(pool: str = "gated_pool", inner: str = "dense", shape: tuple[int, ...] = (3, 1), weight: str = "w") -> Layer:
    """A model as it comes out of a file: a layer before, and one that may have another name, with a layer inside."""
    block = Layer(pool, {weight: shape}, [Layer(inner, {"kernel": (2, 2)})])
    return Layer("model", {}, [Layer("before", {"kernel": (5, 3)}), block])


SAVED = tuple(
    Tensor(name=name, shape=shape, dtype="float32", group=TensorGroup.KERNEL, layer="")
    for name, shape in (("before/kernel", (5, 3)), ("pool/w", (3, 1)), ("pool/dense/kernel", (2, 2)))
)
NAMES = [one.name for one in SAVED]


@pytest.mark.parametrize(
    ("model", "renamed"),
    [
        (loaded(), {"gated_pool": "pool"}),
        (loaded(inner="dense_7"), {"gated_pool": "pool", "dense_7": "dense"}),
        (loaded(pool="pool", inner="dense_7"), {"dense_7": "dense"}),
        (loaded(pool="pool"), {}),
    ],
)
def test_a_layer_has_the_name_with_which_it_was_saved(model: Layer, renamed: dict[str, str]) -> None:
    assert models.take_names(model, SAVED) == renamed
    assert list(models.variables(model)) == NAMES


@pytest.mark.parametrize("model", [loaded(shape=(1, 3)), loaded(weight="v"), Layer("model", {})])
def test_what_is_not_the_same_keeps_its_names(model: Layer) -> None:
    before = list(models.variables(model))
    assert models.take_names(model, SAVED) == {}
    assert list(models.variables(model)) == before != NAMES
