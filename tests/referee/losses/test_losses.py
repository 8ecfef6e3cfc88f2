"""The door to all losses: names, functions by name, gradients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.special

from suite.referee.definition import LossCall, Undefined
from suite.referee.losses import LOSSES, class_of, gradient_along, loss
from tests.referee.losses.calls import NUMBERS, ONE_HOT, TARGETS, call

DIRECTION = np.random.default_rng(8).normal(size=(4, 3))
MEAN = {"reduction": "sum_over_batch_size"}


def test_every_loss_of_keras_is_defined_with_its_source() -> None:
    assert set(LOSSES) == {
        "BinaryCrossentropy", "BinaryFocalCrossentropy", "CTC", "CategoricalCrossentropy", "CategoricalFocalCrossentropy",
        "CategoricalGeneralizedCrossEntropy", "CategoricalHinge", "Circle", "CosineSimilarity", "Dice", "Hinge", "Huber",
        "KLDivergence", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
        "MeanSquaredLogarithmicError", "Poisson", "SparseCategoricalCrossentropy", "SquaredHinge", "Tversky",
    }  # fmt: skip
    assert all("Source: " in (definition.__doc__ or "") for definition in LOSSES.values())


def test_the_default_reduction_is_a_mean() -> None:
    mean = loss(LossCall(loss="MeanSquaredError", config={}, y_true=TARGETS, y_pred=NUMBERS))
    assert isinstance(mean, float)
    assert mean == pytest.approx(np.mean((TARGETS - NUMBERS) ** 2))


@pytest.mark.parametrize("function", ["mean_squared_error", {"class_name": "function", "config": "mean_squared_error"}])
def test_a_loss_that_was_given_as_a_function(function: object) -> None:
    wrapped = loss(call("LossFunctionWrapper", TARGETS, NUMBERS, config={"fn": function, "name": "mse"}))
    assert wrapped == pytest.approx(loss(call("MeanSquaredError", TARGETS, NUMBERS)))


def test_what_is_not_of_keras_is_undefined() -> None:
    with pytest.raises(Undefined, match="no definition of the loss Mine; defined are MeanSquaredError"):
        loss(call("Mine", TARGETS, NUMBERS))
    with pytest.raises(Undefined, match="the loss function mine is code of the scenario"):
        loss(call("LossFunctionWrapper", TARGETS, NUMBERS, config={"fn": "mine"}))


def test_a_function_of_keras_has_the_name_of_the_class_that_computes_the_same() -> None:
    assert class_of("Poisson", {}) == "Poisson"
    assert class_of("LossFunctionWrapper", {"fn": "binary_crossentropy"}) == "BinaryCrossentropy"
    assert class_of("LossFunctionWrapper", {"fn": {"class_name": "function", "config": "huber"}}) == "Huber"


@pytest.mark.parametrize(
    ("name", "true", "predicted", "expected"),
    [
        ("BinaryCrossentropy", 1.0, 0.0, np.log(1000)),
        ("MeanAbsolutePercentageError", 0.0, 1.0, 1e5),
        ("Poisson", 1.0, 0.0, np.log(1000)),
        ("KLDivergence", 1.0, 0.0, np.log(1000)),
        ("Dice", 0.0, 0.001, 1.0),
        ("MeanSquaredLogarithmicError", 0.0, np.e - 1, (1 - np.log(1.001)) ** 2),
    ],
)
def test_epsilon_is_that_of_the_run(name: str, true: float, predicted: float, expected: float) -> None:
    asked = call(name, np.array([[true]]), np.array([[predicted]]), config=MEAN)
    assert loss(replace(asked, epsilon=1e-3)) == pytest.approx(expected, rel=1e-12)
    assert name == "Dice" or loss(asked) != pytest.approx(expected, rel=1e-3)


def test_ranks_are_matched_before_the_formula() -> None:
    column = loss(call("MeanAbsoluteError", TARGETS[:, 0], NUMBERS[:, :1], config=MEAN))
    assert column == pytest.approx(np.mean(np.abs(TARGETS[:, 0] - NUMBERS[:, 0])))


def test_the_gradient_of_a_mean() -> None:
    expected = np.sum(2 * (NUMBERS - TARGETS) / 12 * DIRECTION)
    assert gradient_along(call("MeanSquaredError", TARGETS, NUMBERS, config=MEAN), DIRECTION) == pytest.approx(
        expected, rel=1e-9
    )


def test_the_gradients_of_values_that_are_not_reduced() -> None:
    expected = ((scipy.special.softmax(NUMBERS, axis=-1) - ONE_HOT) * DIRECTION).sum(-1)
    asked = call("CategoricalCrossentropy", ONE_HOT, NUMBERS, config={"from_logits": True})
    assert gradient_along(asked, 1e3 * DIRECTION) == pytest.approx(1e3 * expected, rel=1e-8)


def test_the_gradient_of_a_steep_loss() -> None:
    """-1 / p at p = 0.002, where a plain central difference of this step is off by 3e-6."""
    asked = call("KLDivergence", [[1.0]], [[0.002]], config=MEAN)
    assert gradient_along(asked, np.ones((1, 1))) == pytest.approx(-500, rel=1e-8)


def test_a_direction_of_zeros_has_no_slope() -> None:
    assert gradient_along(call("MeanSquaredError", TARGETS, NUMBERS, config=MEAN), np.zeros((4, 3))) == 0


def test_a_kink_has_no_gradient() -> None:
    with pytest.raises(Undefined, match="has a kink"):
        gradient_along(call("MeanAbsoluteError", [[0.0]], [[1e-6]], config=MEAN), np.ones((1, 1)))


def test_an_infinite_loss_has_no_gradient() -> None:
    with pytest.raises(Undefined, match="is not finite"):
        gradient_along(call("CTC", [[1, 1]], np.zeros((1, 2, 3))), np.ones((1, 2, 3)))
