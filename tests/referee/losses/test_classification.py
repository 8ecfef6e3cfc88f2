"""Losses of classes against SciPy and scikit-learn, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.special
import sklearn.metrics

from suite.referee.definition import Undefined
from suite.referee.losses import loss
from tests.referee.losses.calls import BINARY, CLASSES, DISTRIBUTIONS, NUMBERS, ONE_HOT, PROBABILITIES, call


@pytest.mark.parametrize("y_true", [BINARY, 2 * BINARY - 1])
def test_hinge(y_true: np.ndarray) -> None:
    expected = [sklearn.metrics.hinge_loss(true, predicted) for true, predicted in zip(2 * BINARY - 1, NUMBERS, strict=True)]
    assert loss(call("Hinge", y_true, NUMBERS)) == pytest.approx(expected)


def test_targets_are_converted_all_or_none() -> None:
    """The 2 in one row leaves the 0 in the other as it is."""
    assert loss(call("Hinge", [[0.0], [2.0]], [[0.25], [0.25]])) == pytest.approx([1.0, 0.5])
    assert loss(call("Hinge", [[0.0], [1.0]], [[0.25], [0.25]])) == pytest.approx([1.25, 0.75])


def test_squared_hinge() -> None:
    assert loss(call("SquaredHinge", [[1.0, -1.0, 1.0]], [[0.5, 0.5, 2.0]])) == pytest.approx([(0.25 + 2.25 + 0) / 3])


def test_categorical_hinge() -> None:
    margins = [1 + max(np.delete(row, true)) - row[true] for row, true in zip(NUMBERS, CLASSES, strict=True)]
    # The zero that a product with the true class leaves is one of the values that the largest is taken of.
    expected = [max(0, margin, 1 - row[true]) for margin, row, true in zip(margins, NUMBERS, CLASSES, strict=True)]
    assert loss(call("CategoricalHinge", ONE_HOT, NUMBERS)) == pytest.approx(expected)


def test_divergence() -> None:
    expected = scipy.special.rel_entr(DISTRIBUTIONS, PROBABILITIES).sum(-1)
    assert loss(call("KLDivergence", DISTRIBUTIONS, PROBABILITIES)) == pytest.approx(expected)


def test_divergence_clips_both_distributions() -> None:
    assert loss(call("KLDivergence", [[1.0, 0.0]], [[0.0, 1.0]])) == pytest.approx([math.log(1e7) + 1e-7 * math.log(1e-7)])
    assert loss(call("KLDivergence", [[3.0]], [[2.0]])) == pytest.approx([0.0])


@pytest.mark.parametrize("axis", [(1,), [1]])
def test_dice_of_sets(axis: object) -> None:
    predicted = np.roll(BINARY, 1, axis=0)
    expected = [scipy.spatial.distance.dice(a > 0, b > 0) for a, b in zip(BINARY, predicted, strict=True)]
    assert loss(call("Dice", BINARY, predicted, config={"axis": axis})) == pytest.approx(expected, abs=1e-7)


def test_dice_of_everything_is_one_number() -> None:
    assert loss(call("Dice", [[1.0, 0.0]], [[0.5, 0.5]], config={"axis": None, "reduction": "sum"})) == pytest.approx(0.5)


def test_tversky_of_sets() -> None:
    predicted = np.roll(BINARY, 1, axis=0)
    config = {"axis": (1,), "alpha": 1.0, "beta": 1.0}
    expected = [scipy.spatial.distance.jaccard(a > 0, b > 0) for a, b in zip(BINARY, predicted, strict=True)]
    assert loss(call("Tversky", BINARY, predicted, config=config)) == pytest.approx(expected, abs=1e-7)


def test_alpha_weighs_false_positives_and_beta_false_negatives() -> None:
    config = {"alpha": 0.75, "beta": 0.25, "reduction": "sum"}
    assert loss(call("Tversky", [[1.0, 0.0]], [[1.0, 1.0]], config=config)) == pytest.approx(1 - 1 / 1.75)
    assert loss(call("Tversky", [[1.0, 1.0]], [[1.0, 0.0]], config=config)) == pytest.approx(1 - 1 / 1.25)


@pytest.mark.parametrize("y_true", [CLASSES, CLASSES[:, None]])
def test_generalized_crossentropy_lies_between_logarithm_and_error(y_true: np.ndarray) -> None:
    chosen = PROBABILITIES[np.arange(4), CLASSES]
    for q, expected in ((1e-9, -np.log(chosen)), (0.5, 2 - 2 * np.sqrt(chosen)), (1 - 1e-12, 1 - chosen)):
        asked = call("CategoricalGeneralizedCrossEntropy", y_true, PROBABILITIES, config={"q": q})
        assert loss(asked) == pytest.approx(expected, abs=1e-6)


def test_targets_that_are_no_classes_are_undefined() -> None:
    with pytest.raises(Undefined, match="not one of the 3 classes"):
        loss(call("CategoricalGeneralizedCrossEntropy", [3, 0, 0, 0], PROBABILITIES))
    with pytest.raises(Undefined, match=r"targets of shape \(2,\) do not fit predictions of shape \(4, 3\)"):
        loss(call("CategoricalGeneralizedCrossEntropy", [0, 0], PROBABILITIES))
