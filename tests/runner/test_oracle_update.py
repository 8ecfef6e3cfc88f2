"""An oracle's update with the constants of a deviation, and the optimizer as it was afterwards."""

from __future__ import annotations

import sys

import pytest

from suite.records import Deviation
from suite.runner.oracle import update
from tests.runner import fake_keras


class Optimizer(fake_keras.Optimizer):
    """`clipnorm` and `weight_decay`: as Keras's optimizers have them."""

    clipnorm, weight_decay = 0.5, 0.25

    def _get_current_learning_rate(self) -> float:
        return 0.125


@pytest.fixture
def optimizer(monkeypatch: pytest.MonkeyPatch) -> Optimizer:
    monkeypatch.setitem(sys.modules, "keras", fake_keras.KERAS)
    return Optimizer("sgd", [])


def test_a_deviation_changes_constants_for_one_update(optimizer: Optimizer) -> None:
    with update.constants(optimizer, Deviation(learning_rate=2.0, weight_decay=0.5, optimizer=(("clipnorm", 8.0),))):
        assert optimizer._get_current_learning_rate() == 0.25
        assert (optimizer.clipnorm, optimizer.weight_decay) == (8.0, 0.125)
    assert optimizer._get_current_learning_rate() == 0.125
    assert (optimizer.clipnorm, optimizer.weight_decay) == (0.5, 0.25)


def test_a_learning_rate_that_somebody_has_put_into_the_optimizer_stays(optimizer: Optimizer) -> None:
    optimizer.__dict__["_get_current_learning_rate"] = lambda: 3.0
    for _ in range(2):
        with update.constants(optimizer, Deviation(learning_rate=2.0)):
            assert optimizer._get_current_learning_rate() == 6.0
    assert optimizer._get_current_learning_rate() == 3.0
