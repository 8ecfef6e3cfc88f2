"""Every distance: symmetry, bounds, unusual numbers, errors; and that METRICS is complete."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from suite.compare import metrics
from suite.compare.metrics import BLOCK, METRICS
from suite.records import QUANTITIES, BatchNorm
from tests.compare.arrays import NORM, Array, layer, one

Distance = Callable[[Array, Array], float]
PLAIN = BatchNorm(name="bn", mean="m", variance="v", kernel="k")


def fold(a: Array, b: Array) -> float:
    still = {"m": np.zeros(a.size), "v": np.ones(a.size)}
    return metrics.folded({**still, "k": a}, {**still, "k": b}, [PLAIN])


def start(a: Array) -> Array:
    return np.full_like(a, 0.25)


DISTANCES: dict[str, Distance] = {
    "train": lambda a, b: metrics.train({"w": a}, {"w": b}, {"w": start(a)}),
    "tensor": lambda a, b: metrics.tensor(a, b, start(a), 0.5),
    "ulp": metrics.ulp,
    "mean": lambda a, b: metrics.mean(a, b, np.ones(a.size), 1e-3),
    "var": lambda a, b: metrics.var(a, b, 1e-3),
    "folded": fold,
    "slots": lambda a, b: metrics.slots({"w": a}, {"w": b}),
    "state": lambda a, b: metrics.state({"w": a}, {"w": b}),
    "loss": metrics.loss,
    "evaluation": lambda a, b: metrics.evaluation({"loss": a}, {"loss": b}),
    "history": lambda a, b: metrics.history({"loss": a}, {"loss": b}),
    "pmax": metrics.pmax,
    "tv": lambda a, b: metrics.tv(a.reshape(1, -1), b.reshape(1, -1)),
    "js": lambda a, b: metrics.js(a.reshape(1, -1), b.reshape(1, -1)),
    "churn": lambda a, b: metrics.churn(a.reshape(1, -1), b.reshape(1, -1))[0],
    "explained": lambda a, b: metrics.churn(a.reshape(1, -1), b.reshape(1, -1))[1],
    "values": metrics.values,
    "max_abs": metrics.max_abs,
}
EVERY = pytest.mark.parametrize("name", DISTANCES)
floats = hnp.arrays(np.float32, st.integers(2, 9), elements=st.floats(0, 1, width=32))


@EVERY
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_symmetric_finite_and_zero_for_equal(name: str, data: st.DataObject) -> None:
    a = data.draw(floats)
    b = data.draw(hnp.arrays(np.float32, a.shape, elements=st.floats(0, 1, width=32)))
    distance = DISTANCES[name]
    assert distance(a, b) == distance(b, a)
    assert math.isfinite(distance(a, b)) and distance(a, b) >= 0
    assert distance(a, a) == (1.0 if name == "explained" else 0.0)
    if name not in ("churn", "explained", "js") and not np.array_equal(a, b):
        assert distance(a, b) > 0


@pytest.mark.parametrize("name", ["train", "tensor", "slots", "state", "values", "folded"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_relative_distances_are_at_most_two(name: str, data: st.DataObject) -> None:
    numbers = st.floats(-1e300, 1e300)
    a = data.draw(hnp.arrays(np.float64, 4, elements=numbers))
    b = data.draw(hnp.arrays(np.float64, 4, elements=numbers))
    assert 0 <= DISTANCES[name](a, b) <= 2 + 1e-12


@EVERY
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, BLOCK + 1])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nan_and_infinity_never_agree(name: str, wrong: float, place: int) -> None:
    a = np.full(2 * BLOCK, 0.5, np.float32)
    b = a.copy()
    b[place] = wrong
    for distance in (DISTANCES[name](a, b), DISTANCES[name](b, a), DISTANCES[name](b, b)):
        assert not math.isfinite(distance)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_references_that_are_not_finite_never_agree() -> None:
    assert math.isnan(metrics.mean(one(0), one(1), one(np.inf), 1e-3))
    assert math.isnan(metrics.train({"w": one(1)}, {"w": one(2)}, {"w": one(np.inf)}))
    a, b = layer(0), layer(0)
    a["v"][0] = b["v"][0] = np.inf
    assert math.isnan(metrics.folded(a, b, [NORM]))


def test_signs_of_zero_are_equal_numbers() -> None:
    a, b = np.zeros(4, np.float32), -np.zeros(4, np.float32)
    for name, distance in DISTANCES.items():
        assert distance(a, b) == (1.0 if name == "explained" else 0.0), name


def test_nothing_is_at_no_distance() -> None:
    a = np.empty(0, np.float32)
    for name in ("train", "tensor", "ulp", "mean", "var", "folded", "slots", "loss", "pmax", "values", "max_abs"):
        assert DISTANCES[name](a, a) == 0.0, name


def test_denormals_are_seen() -> None:
    a, b = np.zeros(3, np.float32), np.array([1, 0, 0], np.uint32).view(np.float32)
    for name in ("ulp", "mean", "var", "slots", "state", "loss", "pmax", "tv", "values", "max_abs", "folded"):
        assert DISTANCES[name](a, b) > 0, name


@pytest.mark.parametrize(
    "name", sorted(DISTANCES.keys() - {"tv", "js", "churn", "explained", "loss", "evaluation", "history", "mean"})
)
def test_shapes_that_differ_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^got .* \(2,\) and .*, wanted .*: .+|^got k of shape"):
        DISTANCES[name](one(1, 2), one(1))


def test_errors_say_what_to_do() -> None:
    rows = np.ones((2, 3))
    with pytest.raises(
        ValueError, match=r"^got arrays of shapes \(2,\) and \(1,\) and \(1,\), wanted equal shapes: compare"
    ):
        metrics.mean(one(1, 2), one(1), one(1), 0.1)
    with pytest.raises(ValueError, match=r"^got losses of 2 and of 1 steps, wanted as many: cut"):
        metrics.loss([1, 2], [1])
    with pytest.raises(ValueError, match=r"^x is on one side only: the other one has it under another name, or not at all"):
        metrics.train({"w": one(1), "x": one(1)}, {"w": one(1)}, {"w": one(1), "x": one(1)})
    with pytest.raises(ValueError, match=r"^x is on one side only"):
        metrics.slots({"w": one(1)}, {"w": one(1), "x": one(1)})
    with pytest.raises(ValueError, match=r"^got an array of complex64, wanted real numbers that float64 holds: convert"):
        metrics.values(np.ones(2, np.complex64), np.ones(2, np.complex64))
    for distance in (metrics.tv, metrics.js, metrics.churn):
        with pytest.raises(ValueError, match=r"^got arrays of shapes \(2, 3\) and \(2, 2\), wanted equal shapes"):
            distance(rows, rows[:, :2])
        with pytest.raises(ValueError, match=r"^got predictions of shape \(3,\), wanted \(rows, classes\): declare"):
            distance(rows[0], rows[0])


FLOORS = {
    "train": 2e-6, "mean": 1e-7, "var": 3e-7, "folded": 1e-6, "slots": 1e-6, "state": 1e-6, "loss": 2e-7, "evaluation": 2e-7,
    "history": 5e-3, "pmax": 5e-7, "tv": 5e-7, "values": 1e-6,
}  # fmt: skip


SOURCES = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_metrics_*.py")]
TESTS = [test for source in SOURCES for test in re.findall(r"^def (test_\w+)", source, re.MULTILINE)]


@EVERY
def test_every_metric_is_documented_and_tested(name: str) -> None:
    metric = METRICS[name]
    function = metrics.churn if name == "explained" else getattr(metrics, name)
    assert metric.formula in " ".join((function.__doc__ or "").split())
    assert [test for test in TESTS if name in test], f"no test of {name}"
    assert metric.quantity in QUANTITIES
    assert metric.why and metric.judged == (metric.floor > 0) == (name in FLOORS)
    assert metric.floor == FLOORS.get(name, 0.0)


def test_every_metric_has_a_distance() -> None:
    assert METRICS.keys() - {"compiled"} == DISTANCES.keys(), "that one counts texts"
