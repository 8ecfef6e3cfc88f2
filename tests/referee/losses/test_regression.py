"""Losses of numbers against SciPy, and against their formulas in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.special

from suite.referee.losses import loss
from tests.referee.losses.calls import DISTRIBUTIONS, NUMBERS, PROBABILITIES, TARGETS, call

ERROR = NUMBERS - TARGETS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("MeanSquaredError", (ERROR**2).mean(-1)),
        ("MeanAbsoluteError", abs(ERROR).mean(-1)),
        ("MeanAbsolutePercentageError", (100 * abs(ERROR / TARGETS)).mean(-1)),
        ("LogCosh", np.log(np.cosh(ERROR)).mean(-1)),
        ("Huber", scipy.special.huber(1.0, ERROR).mean(-1)),
    ],
)
def test_errors(name: str, expected: np.ndarray) -> None:
    assert loss(call(name, TARGETS, NUMBERS)) == pytest.approx(expected)


@pytest.mark.parametrize("delta", [0.25, 2.0])
def test_huber_with_its_delta(delta: float) -> None:
    expected = scipy.special.huber(delta, ERROR).mean(-1)
    assert loss(call("Huber", TARGETS, NUMBERS, config={"delta": delta})) == pytest.approx(expected)


def test_a_target_of_zero_counts_as_epsilon() -> None:
    assert loss(call("MeanAbsolutePercentageError", [[0.0, 2.0]], [[1e-7, 1.0]])) == pytest.approx([(100 + 50) / 2])


def test_log_cosh_of_large_errors_does_not_overflow() -> None:
    assert loss(call("LogCosh", [[0.0, 0.0]], [[1000.0, -1000.0]])) == pytest.approx([1000 - math.log(2)])


def test_logarithms_of_negative_numbers_are_those_of_epsilon() -> None:
    expected = ((math.log(3) - math.log1p(1e-7)) ** 2 + (math.log(2) - math.log(4)) ** 2) / 2
    assert loss(call("MeanSquaredLogarithmicError", [[2.0, 1.0]], [[-5.0, 3.0]])) == pytest.approx([expected])


@pytest.mark.parametrize("axis", [-1, 0])
def test_cosine_similarity(axis: int) -> None:
    a, b = np.moveaxis(TARGETS, axis, -1), np.moveaxis(NUMBERS, axis, -1)
    expected = [scipy.spatial.distance.cosine(x, y) - 1 for x, y in zip(a, b, strict=True)]
    assert loss(call("CosineSimilarity", TARGETS, NUMBERS, config={"axis": axis})) == pytest.approx(expected)


def test_a_vector_of_zeros_has_no_direction() -> None:
    assert loss(call("CosineSimilarity", [[1.0, 1.0]], [[0.0, 0.0]])) == pytest.approx([0.0])


def test_poisson() -> None:
    expected = (PROBABILITIES - scipy.special.xlogy(DISTRIBUTIONS, PROBABILITIES + 1e-7)).mean(-1)
    assert loss(call("Poisson", DISTRIBUTIONS, PROBABILITIES)) == pytest.approx(expected)
    assert loss(call("Poisson", [[0.0]], [[0.0]])) == pytest.approx([0.0])
