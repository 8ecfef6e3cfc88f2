"""Regularizers: the penalty of a weight."""

from __future__ import annotations

import numpy as np
import pytest

from suite.referee import gradients, layers
from suite.referee.definition import Call

WEIGHT = np.array([[1.0, -2.0], [0.0, 2.0], [3.0, 0.0]])


def asked(name: str, weight: np.ndarray, **config: object) -> Call:
    return Call(layer=name, config=config, inputs=(weight,))


def penalty(name: str, **config: object) -> float:
    (found,) = layers.call(asked(name, WEIGHT, **config)).outputs
    return float(found)


def test_absolute_values_and_squares_are_weighed_and_added() -> None:
    assert penalty("L1", l1=0.5) == pytest.approx(4.0)
    assert penalty("L2", l2=0.5) == pytest.approx(9.0)
    assert penalty("L1L2", l1=0.5, l2=0.25) == pytest.approx(8.5)


def test_a_pair_of_vectors_costs_the_size_of_its_cosine() -> None:
    assert penalty("OrthogonalRegularizer", factor=0.3, mode="columns") == pytest.approx(0.3 * 2 / np.sqrt(10 * 8))
    cosines = 2 / np.sqrt(5), 1 / np.sqrt(5), 0.0
    assert penalty("OrthogonalRegularizer", factor=0.3, mode="rows") == pytest.approx(0.3 * sum(cosines) / 3)


def test_the_slope_of_an_absolute_value_is_open_at_zero() -> None:
    found = gradients.directional(asked("L1", np.zeros(3), l1=0.5), [np.ones(())], seed=0)
    (direction,) = found.directions.values()
    assert found.value == pytest.approx(0.0, abs=1e-12)
    assert found.kinks == pytest.approx(0.5 * np.abs(direction).sum())
