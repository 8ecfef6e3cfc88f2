"""When moving statistics lag, by how much, and what would cure it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite.runner import evaluating, lagging, models

SAID = {"loss": 0.3, "accuracy": 0.9}
WORSE = {"loss": np.array([2.0]), "accuracy": np.array([0.5]), "of each class": np.array([1.0, 2.0])}


@pytest.fixture
def norms(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    layers: list[Any] = [
        SimpleNamespace(name=name, momentum=momentum, trainable=True) for name, momentum in (("slow", 0.99), ("fast", 0.75))
    ]
    monkeypatch.setattr(models, "batch_norm_layers", lambda model: layers)
    return layers


def test_the_slowest_layer_says_how_much_is_left_and_what_leaves_one_percent(norms: list[Any]) -> None:
    found = lagging.facts(None, SAID, WORSE, 20)
    assert found[lagging.FIT] == "accuracy 0.9, loss 0.3" and found[lagging.EVALUATE] == "accuracy 0.5, loss 2"
    assert (found[lagging.SHARE], found[lagging.STEPS], found[lagging.MOMENTUM]) == ("82%", "459", "0.79")
    assert found[lagging.SLOW] == "slow"
    assert lagging.SLOW not in lagging.facts(None, SAID, WORSE, 10), "both still hold something"
    assert 0.99**459 <= 0.01 < 0.99**458 and round(0.01 ** (1 / 20), 2) == 0.79


def test_nothing_lags_after_many_steps_or_where_the_loss_is_the_same(norms: list[Any]) -> None:
    assert lagging.facts(None, SAID, WORSE, 500) == {}
    assert lagging.facts(None, SAID, {"loss": np.array([0.33])}, 20) == {}
    assert lagging.facts(None, SAID, {}, 20) == {}


def test_frozen_statistics_do_not_lag(norms: list[Any]) -> None:
    for layer in norms:
        layer.trainable = False
    assert lagging.facts(None, SAID, WORSE, 20) == {}


class Normalizing:
    """A model whose loss is the distance of its statistics from those of the batch, and a penalty."""

    def __init__(self, layer: Any, penalty: float) -> None:
        self.layer, self.penalty, self.mean = layer, penalty, 0.0

    def __call__(self, x: float, training: bool) -> None:
        self.mean = self.layer.momentum * self.mean + (1 - self.layer.momentum) * x

    def loss(self, x: float) -> float:
        return abs(self.mean - x) + self.penalty


@pytest.mark.parametrize(("penalty", "told"), [(0.3, True), (1.5, False)])
def test_that_statistics_lag_is_tried_before_it_is_said(
    monkeypatch: pytest.MonkeyPatch, norms: list[Any], penalty: float, told: bool
) -> None:
    """With the statistics of the batch, the loss is as `fit` says, or it is not: then something else is behind it."""
    model = Normalizing(norms[0], penalty)
    monkeypatch.setattr(models, "training", lambda data, rows: {"x": 5.0})
    monkeypatch.setattr(evaluating, "evaluated", lambda *_: {"loss": np.array([model.loss(5.0)])})
    schedule: Any = SimpleNamespace(epochs=(), batches=[np.arange(2)] * 20)
    scenario: Any = SimpleNamespace(phases=(), batch=2)
    found = lagging.found(model, scenario, {}, schedule, [{"loss": 0.3}] * 20, 20)
    assert bool(found) is told
    assert norms[0].momentum == 0.99, "the momentum is what it was"
