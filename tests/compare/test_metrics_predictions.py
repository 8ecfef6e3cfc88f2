"""Known values of the distances of predictions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from suite.compare import metrics
from tests.compare.arrays import double, one


def test_pmax_and_max_abs() -> None:
    p, q = np.array([[0.5, 0.5], [0.1, 0.9]]), np.array([[0.5, 0.5], [0.4, 0.6]])
    assert metrics.pmax(p, q) == metrics.max_abs(p, q) == pytest.approx(0.3)
    assert metrics.max_abs(one(1, 2), one(-3, 2)) == metrics.max_abs(one(-3, 2), one(1, 2)) == 4.0


def test_values_is_relative() -> None:
    assert metrics.values(one(3, 0), one(3, 4)) == 0.8
    assert metrics.values(one(0), one(0)) == 0.0
    assert metrics.values(one(-1), one(1)) == 2.0


def test_tv_and_js_of_disjoint_and_equal_rows() -> None:
    p, q = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])
    assert metrics.tv(p, q) == 0.5
    assert metrics.js(p, q) == pytest.approx(math.log(2) / 2)
    assert metrics.tv(p, p) == metrics.js(p, p) == 0.0
    assert metrics.tv(p[:, None], q[:, None]) == 0.5  # (rows, positions, classes)


def test_js_keeps_its_digits() -> None:
    p, q = np.array([[0.5, 0.5]]), np.array([[0.5 + 1e-9, 0.5 - 1e-9]])
    assert metrics.js(p, q) == pytest.approx(1e-18 / 2, rel=1e-6)  # Σ (p-q)² / (8 p)


def test_one_column_is_two_classes() -> None:
    logits = one(-3, 0.0, 3).reshape(3, 1)
    p = metrics.softmax(logits)
    np.testing.assert_allclose(p[:, 1], 1 / (1 + np.exp(-double(logits[:, 0]))), rtol=1e-14)
    q = p[::-1]
    for distance in (metrics.tv, metrics.js, metrics.pmax):
        assert distance(p[:, 1:], q[:, 1:]) == pytest.approx(distance(p, q))
    assert metrics.churn(p[:, 1:], q[:, 1:])[0] == pytest.approx(2 / 3)


def test_softmax_is_stable() -> None:
    np.testing.assert_array_equal(metrics.softmax(one(1e4, 0, -np.inf).reshape(1, 3)), [[1.0, 0.0, 0.0]])
    assert metrics.softmax(np.empty((0, 3), np.float32)).shape == (0, 3)
    assert metrics.softmax(np.zeros((2, 3, 4), np.float32)).shape == (2, 3, 4)
    assert metrics.softmax(np.zeros((2, 3), np.float16)).dtype == np.float64


def test_churn_and_explained() -> None:
    near = np.array([[0.501, 0.499], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9]])
    moved = np.array([[0.499, 0.501], [0.71, 0.29], [0.2, 0.8], [0.1, 0.9]])
    assert metrics.churn(near, moved) == (0.25, 1.0)  # margin 0.004, others moved by 0.03
    far = moved.copy()
    far[1] = 0.3, 0.7  # margin 0.85: no unchanged row moved
    assert metrics.churn(near, far) == (0.5, 0.0)
    assert metrics.churn(near, near) == (0.0, 1.0)
    assert metrics.churn(np.empty((0, 3)), np.empty((0, 3))) == (0.0, 1.0)


def test_probabilities_that_a_kernel_flushed_to_zero_explain_nothing() -> None:
    p, q = np.array([[0.9, 0.1], [1.0, 1e-45]]), np.array([[0.1, 0.9], [1.0, 0.0]])
    assert metrics.churn(p, q) == (0.5, 0.0)


def test_explained_takes_the_larger_margin_and_twice_the_reach() -> None:
    logits = np.array([[0.10, 0.0], [3.0, 0.0]])
    reach = 0.1  # the second row's log p of its smaller class moves by about this
    for other, share in ((-0.05, 1.0), (-0.5, 0.0)):
        p = metrics.softmax(logits)
        q = metrics.softmax(np.array([[other, 0.0], [3.0 + reach, 0.0]]))
        assert metrics.churn(p, q) == metrics.churn(q, p) == (0.5, share)
