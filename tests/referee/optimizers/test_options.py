"""The options that all optimizers share: each alone, and their order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suite.referee.definition import Undefined, Update
from suite.referee.optimizers import OPTIMIZERS, RULES, finalized, update
from tests.referee.optimizers.chains import ADAM, GRADIENTS, KERNEL, chain, kernels

TWO = {"a": np.array([0.0, 0.0]), "b": np.array([0.0])}


def moved(gradients: dict[str, Any], **config: Any) -> dict[str, list[float]]:
    """What one update of SGD with a learning rate of 1 takes from variables that are 0: the prepared gradients."""
    after = chain("SGD", config, [{name: np.array(value) for name, value in gradients.items()}], TWO, rate=1.0)[0]
    return {name: (-value).tolist() for name, value in after.variables.items()}


def test_every_optimizer_of_keras_is_defined_with_its_source() -> None:
    assert set(OPTIMIZERS) == {
        "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "LossScaleOptimizer",
        "MultiOptimizer", "Muon", "Nadam", "RMSprop", "SGD", "ScheduleFreeAdamW",
    }  # fmt: skip
    assert all("Source: " in (rule.step.__doc__ or "") for rule in RULES.values())


def test_an_unknown_optimizer_is_named() -> None:
    with pytest.raises(Undefined, match="no definition of the optimizer Mine; defined are SGD"):
        update(Update(optimizer="Mine", config={}, iteration=0, learning_rate=1.0, variables={}, gradients={}))


def test_slots_that_the_definition_does_not_know_are_named() -> None:
    kernel = {"kernel": KERNEL}
    asked = Update(
        optimizer="Adam", config=ADAM, iteration=1, learning_rate=1.0, variables=kernel, gradients=kernel,
        slots={"kernel/averaged": KERNEL, "kernel/momentum": KERNEL, "optimizer/learning_rate": np.array(1.0)},
    )  # fmt: skip
    with pytest.raises(Undefined, match="Adam keeps averaged of kernel, which its definition does not know"):
        update(asked)


def test_clipping_by_the_norm_of_each_gradient() -> None:
    assert moved({"a": [3.0, 4.0], "b": [0.5]}, clipnorm=1.0) == {"a": [pytest.approx(0.6), pytest.approx(0.8)], "b": [0.5]}


def test_clipping_by_the_norm_of_all_gradients() -> None:
    assert moved({"a": [2.0, 4.0], "b": [4.0]}, global_clipnorm=3.0) == {"a": [1.0, 2.0], "b": [2.0]}
    assert moved({"a": [2.0, 4.0], "b": [4.0]}, global_clipnorm=7.0) == {"a": [2.0, 4.0], "b": [4.0]}
    assert moved({"a": [0.0, 0.0], "b": [0.0]}, global_clipnorm=1.0) == {"a": [0.0, 0.0], "b": [0.0]}


def test_a_norm_that_is_not_finite_spoils_what_it_clips() -> None:
    spoiled = moved({"a": [np.inf, 1.0], "b": [0.5]}, clipnorm=1.0)
    assert np.all(np.isnan(spoiled["a"])) and spoiled["b"] == [0.5]


def test_clipping_by_value() -> None:
    assert moved({"a": [3.0, -4.0], "b": [0.5]}, clipvalue=1.0) == {"a": [1.0, -1.0], "b": [0.5]}


def test_gradients_are_unscaled_before_they_are_clipped() -> None:
    assert moved({"a": [8.0, -2.0], "b": [1.0]}, clipvalue=1.0, loss_scale_factor=4.0) == {"a": [1.0, -0.5], "b": [0.25]}


def test_decay_is_apart_from_the_gradient() -> None:
    after = chain("SGD", {"weight_decay": 0.5, "clipvalue": 1.0}, [[8.0]], [16.0])[0]
    assert after.variables["kernel"] == pytest.approx([16 - 0.125 * 0.5 * 16 - 0.125])


def test_what_is_excluded_from_decay_is_not_decayed() -> None:
    config = {"weight_decay": 0.5, "exclude_from_weight_decay": ["b"]}
    after = chain(
        "SGD", config, [{"a": np.array([0.0]), "b": np.array([0.0])}], {"a": np.array([16.0]), "b": np.array([16.0])}
    )
    assert after[0].variables == {"a": pytest.approx([15.0]), "b": pytest.approx([16.0])}


def test_variables_without_a_gradient_stay() -> None:
    after = chain(
        "SGD", {"weight_decay": 0.5, "use_ema": True}, [{"a": np.array([1.0, 2.0])}], {**TWO, "b": np.array([3.0])}
    )
    assert after[0].variables["b"].tolist() == [3.0]
    assert after[0].slots["b/average"].tolist() == [3.0]


@pytest.mark.parametrize("name", ["Adam", "Nadam", "ScheduleFreeAdamW"])
def test_accumulated_gradients_are_one_mean_gradient(name: str) -> None:
    options = {"clipnorm": 0.5, "weight_decay": 0.25}
    results = chain(name, ADAM | options | {"gradient_accumulation_steps": 3})
    means = [np.mean(GRADIENTS[:3], axis=0), np.mean(GRADIENTS[3:], axis=0)]
    expected = chain(name, ADAM | options, means)
    np.testing.assert_allclose(kernels(results)[2::3], kernels(expected))
    np.testing.assert_array_equal(results[1].variables["kernel"], KERNEL)
    np.testing.assert_allclose(results[1].slots["kernel/gradient_accumulator"], GRADIENTS[0] + GRADIENTS[1])
    assert not results[2].slots["kernel/gradient_accumulator"].any()
    assert set(results[0].slots) == set(results[2].slots) == set(expected[0].slots) | {"kernel/gradient_accumulator"}


def test_averages_follow_the_variables() -> None:
    results = chain("SGD", {"use_ema": True, "ema_momentum": 0.75}, [[-8.0], [-8.0], [-8.0]], [0.0])
    assert [result.variables["kernel"].tolist() for result in results] == [[1.0], [2.0], [3.0]]
    assert [result.slots["kernel/average"].tolist() for result in results] == [[1.0], [1.25], [1.6875]]
    assert finalized(results[-1])["kernel"].tolist() == [1.6875]
    assert finalized(chain("SGD", {}, [[-8.0]], [0.0])[0])["kernel"].tolist() == [1.0]


def test_averages_take_the_place_of_the_variables() -> None:
    config = {"use_ema": True, "ema_momentum": 0.75, "ema_overwrite_frequency": 2}
    results = chain("SGD", config, [[-8.0], [-8.0], [-8.0]], [0.0])
    assert [result.variables["kernel"].tolist() for result in results] == [[1.0], [1.25], [2.25]]


def test_calls_that_accumulate_move_the_averages_as_well() -> None:
    config = {"use_ema": True, "ema_momentum": 0.5, "gradient_accumulation_steps": 2}
    results = chain("SGD", config, [[-8.0]] * 4, [0.0])
    assert [result.variables["kernel"].tolist() for result in results] == [[0.0], [1.0], [1.0], [2.0]]
    assert [result.slots["kernel/average"].tolist() for result in results] == [[0.0], [1.0], [1.0], [1.5]]


def test_iterations_are_counted() -> None:
    assert [int(result.slots["optimizer/iteration"]) for result in chain("SGD", {})] == [1, 2, 3, 4, 5, 6]
