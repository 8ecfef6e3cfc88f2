"""When a model is called to be built: where it is not, and where Keras only says that it is."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from suite.records import Scenario
from suite.runner import building


class Model:
    """A subclassed model: calling it builds its layers, `build` alone does not."""

    def __init__(self, built: bool, *layers: bool) -> None:
        self.built = built
        self.layers = [SimpleNamespace(built=one) for one in layers]
        self.called: list[tuple[int, ...]] = []

    def __call__(self, rows: np.ndarray) -> None:
        self.called.append(rows.shape)

    def _flatten_layers(self, *, include_self: bool) -> list[SimpleNamespace]:
        return self.layers


@pytest.mark.parametrize(
    ("model", "called"),
    [
        (Model(False, True), [(2, 3)]),
        (Model(True, True, True), []),
        (Model(True, True, False), [(2, 3)]),
        (Model(True), []),
    ],
    ids=["not built", "built", "built without its layers", "nothing to build"],
)
def test_a_model_is_called_where_it_or_a_layer_is_not_built(
    model: Model, called: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(utils=SimpleNamespace(set_random_seed=int)))
    scenario = Scenario(
        name="one", description="one", model=lambda: model, data=dict, optimizer=dict, loss="mse", batch=2, steps=1
    )
    assert building.build(scenario, {"x": np.zeros((4, 3))}, constants="own", seed=0, rows=2) is model
    assert model.called == called
