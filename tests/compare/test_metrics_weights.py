"""Known values of the distances of weights, statistics, slots and losses."""

from __future__ import annotations

import math

import numpy as np
import pytest

from suite.compare import metrics
from tests.compare.arrays import one


def test_train_is_the_share_of_the_distance_travelled() -> None:
    start = {"k": one(1, 1), "g": one(5)}
    a, b = {"k": one(4, 5), "g": one(5)}, {"k": one(4, 5), "g": one(17)}
    assert metrics.train(a, b, start) == pytest.approx(12 / 13)  # ‖a-w0‖ = 5, ‖b-w0‖ = 13
    assert metrics.train(a, a, start) == 0.0
    assert metrics.train(start, start, start) == 0.0
    assert metrics.train(start, a, start) == 1.0
    assert metrics.train({}, {}, {}) == 0.0


def test_train_of_the_smallest_difference_is_not_zero() -> None:
    start = {"w": np.zeros(3)}
    assert metrics.train({"w": one(5e-324, 0, 0, dtype=np.float64)}, start, start) == 1.0
    assert (
        metrics.train({"w": one(1e-200, 0, 0, dtype=np.float64)}, {"w": one(2e-200, 0, 0, dtype=np.float64)}, start) == 0.5
    )


def test_updates_are_rounded_by_a_unit_of_each_weight_for_each_step() -> None:
    start = {"w": one(1, 0.125)}
    a = {"w": one(2, 0.25)}
    units = np.array([2.0**-22, 2.0**-25], np.float32)  # in the last place of 2 and of 0.25
    travelled = math.hypot(1, 0.125)
    for count, steps, rounded in ((1, 1, 1), (3, 3, 3), (3, 2, 2), (1000, 2, 2), (0, 5, 0)):
        b = {"w": a["w"] + count * units}
        expected = rounded * math.hypot(*units.tolist()) / travelled
        assert metrics.updates(a, b, start, steps) == pytest.approx(expected, rel=1e-3)
        assert metrics.updates(b, a, start, steps) == pytest.approx(expected, rel=1e-3)
    assert metrics.updates({"w": one(2, 0.25, dtype=np.float64)}, a, start, 1) == 0.0
    assert metrics.updates({}, {}, {}, 3) == 0.0


def test_tensor_has_a_least_denominator() -> None:
    start, a, b = np.zeros(4, np.float32), one(0, 0, 0, 1), one(0, 0, 0, 2)
    assert metrics.tensor(a, b, start, 1.0) == 0.5  # 1 / 2: it travelled more than 1e-3 of the model
    assert metrics.tensor(a, b, start, 1e4) == pytest.approx(1 / 20)  # 1e-3 · 1e4 · sqrt(4)
    assert metrics.tensor(a, a, a, 0.0) == 0.0


def test_rms_travelled() -> None:
    assert metrics.rms_travelled({"a": one(3, 0), "b": one(4, 0), "c": one(9)}, {"a": one(0, 0), "b": one(0, 0)}) == 2.5
    assert metrics.rms_travelled({}, {}) == 0.0


def test_mean_is_whitened() -> None:
    a, b, variance = one(1, 10), one(1.5, 12), one(0.24, 3.99)
    assert metrics.mean(a, b, variance, 0.01) == pytest.approx(1.0)
    assert metrics.mean(a, a, variance, 0.01) == 0.0
    assert metrics.mean(one(0.0), one(0.5), one(-3), 0.25) == 1.0  # a one-pass variance can be negative
    assert math.isfinite(metrics.mean(one(0.0), one(1), one(0), 0.0))


def test_var_is_relative_to_the_larger_side() -> None:
    assert metrics.var(one(1, 4), one(1.5, 4), 0.5) == 0.25
    assert metrics.var(one(1.5, 4), one(1, 4), 0.5) == 0.25
    assert metrics.var(one(-0.25), one(-0.75), 0.5) == 1.0
    assert metrics.var(one(2), one(2), 0.0) == 0.0 == metrics.var(one(0), one(0), 0.0)


def test_slots_takes_the_worst_kind() -> None:
    a = {"k/momentum": one(100), "g/momentum": one(0), "k/velocity": one(0.001)}
    b = {"k/momentum": one(100), "g/momentum": one(1), "k/velocity": one(0.002)}
    assert metrics.slots(a, b) == pytest.approx(0.5)
    assert metrics.slots(a, a) == 0.0 == metrics.slots({}, {})
    b["k/velocity"] = one(0.001)
    assert metrics.slots(a, b) == pytest.approx(1 / math.hypot(100, 1))  # of its kind, not of its tensor


def test_state_is_the_worst_variable() -> None:
    a = {"big": one(100), "small": one(1), "counter": np.array([7], np.uint32)}
    b = {"big": one(101), "small": one(2), "counter": np.array([7], np.uint32)}
    assert metrics.state(a, b) == metrics.state(b, a) == 0.5
    assert metrics.state({}, {}) == 0.0
    with pytest.raises(ValueError, match=r"^big is on one side only"):
        metrics.state(a, {"small": one(1), "counter": one(1)})


def test_a_history_is_apart_by_its_worst_epoch() -> None:
    assert metrics.history({"loss": np.array([1.0, 4.0])}, {"loss": np.array([1.0, 5.0])}) == 0.2


def test_an_evaluation_is_apart_by_its_worst_metric() -> None:
    assert metrics.evaluation({"loss": one(1.0), "mae": one(4.0)}, {"loss": one(1.0), "mae": one(5.0)}) == 0.2
    with pytest.raises(ValueError, match="on one side only"):
        metrics.evaluation({"loss": one(1.0)}, {"loss": one(1.0), "mae": one(5.0)})


def test_compiled_counts_the_arguments_that_are_not_the_same() -> None:
    adam, sgd = np.frombuffer(b"adam", np.uint8), np.frombuffer(b"sgd\0", np.uint8)
    given = {"optimizer": adam, "loss": sgd}
    assert metrics.compiled(given, given) == 0.0
    assert metrics.compiled(given, {"optimizer": sgd, "loss": sgd}) == 1.0
    assert "how many arguments of `compile` are not the same" in (metrics.compiled.__doc__ or "")


def test_loss_is_the_worst_step() -> None:
    assert metrics.loss([1.0, 2.0, 0.0], [1.0, 1.5, 0.0]) == 0.25
    assert metrics.loss(one(-1.0), one(1.0)) == 2.0
    assert metrics.loss([], []) == 0.0
