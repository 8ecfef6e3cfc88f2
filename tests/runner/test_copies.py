"""What predicting changes is put back on each replica, as that replica had it."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite.runner import models
from tests.runner.fake_keras import Variable


class Mirrored(Variable):
    """As TensorFlow's under MirroredStrategy: what is read is the first replica's, and what is assigned goes to all."""

    def __init__(self, path: str, *values: float) -> None:
        super().__init__(path, values[0])
        self.value = SimpleNamespace(values=tuple(Variable(path, value) for value in values))
        self.dtype = "float32"

    def numpy(self) -> np.ndarray:
        first: np.ndarray = self.value.values[0].numpy()
        return first

    def assign(self, value: Any) -> None:
        for one in self.value.values:
            one.assign(value)


class Alone(Variable):
    def __init__(self, path: str, value: float) -> None:
        super().__init__(path, value)
        self.value = SimpleNamespace(values=lambda: None)  # a method, as of a torch tensor
        self.dtype = "float32"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    variables: dict[str, Any] = {"norm/mean": Mirrored("mean", 1.0, 2.0), "norm/count": Alone("count", 3.0)}
    keras = SimpleNamespace(ops=SimpleNamespace(convert_to_tensor=lambda value, dtype: value))
    monkeypatch.setitem(sys.modules, "keras", keras)
    monkeypatch.setattr(models, "variables", lambda _: variables)
    monkeypatch.setattr(models, "layers_of", lambda _: [])
    return variables


def values(model: dict[str, Any]) -> list[float]:
    return [float(one.numpy()) for variable in model.values() for one in models.copies(variable)]


def test_each_replica_has_again_what_it_had(model: dict[str, Any]) -> None:
    with models.unmoved(None) as moved:
        first, second = models.copies(model["norm/mean"])
        second.assign(5.0)
        assert values(model) == [1.0, 5.0, 3.0]
    assert values(model) == [1.0, 2.0, 3.0] and moved == ["norm/mean"]
    assert float(first.numpy()) == 1.0


def test_what_did_not_move_is_left_alone(model: dict[str, Any]) -> None:
    with models.unmoved(None) as moved:
        model["norm/count"].assign(4.0)
    assert values(model) == [1.0, 2.0, 3.0] and moved == ["norm/count"]
    with models.unmoved(None) as moved:
        pass
    assert moved == []
