"""Optimizers around others: what they do themselves, and that they leave the rest to those inside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suite.referee.definition import Undefined
from tests.referee.optimizers.chains import ADAM, GRADIENTS, KERNEL, chain, kernels

Config = dict[str, Any]
WRAPPER, ITERATION = "optimizer/LossScaleOptimizer", "optimizer/iteration"
SCALE, COUNTER = f"{WRAPPER}/dynamic_scale", f"{WRAPPER}/step_counter"


def inner(name: str, **config: Any) -> Config:
    return {"class_name": name, "config": {"name": name.lower(), "learning_rate": 0.125} | config}


def scaled(optimizer: Config, growth: int = 2) -> Config:
    return {"inner_optimizer": optimizer, "initial_scale": 8.0, "dynamic_growth_steps": growth}


def test_the_scale_grows_and_is_taken_out() -> None:
    """Gradients come of a loss times the scale, which doubles after every two updates."""
    scales = [8.0, 8.0, 16.0, 16.0, 32.0, 32.0]
    gradients = [gradient * scale for gradient, scale in zip(GRADIENTS, scales, strict=True)]
    results = chain("LossScaleOptimizer", scaled(inner("Adam", **ADAM)), gradients)
    np.testing.assert_allclose(kernels(results), kernels(chain("Adam", ADAM)))
    assert [float(result.slots[SCALE]) for result in results] == [8.0, 16.0, 16.0, 32.0, 32.0, 64.0]
    assert [int(result.slots[COUNTER]) for result in results] == [1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize("broken", [np.inf, -np.inf, np.nan])
def test_an_update_with_a_broken_gradient_is_skipped(broken: float) -> None:
    gradients = [{"a": np.array([8.0]), "b": np.array([8.0])} for _ in range(3)]
    gradients[1]["b"] = np.array([broken])
    config = scaled(inner("SGD", momentum=0.5, use_ema=True), growth=3)
    first, skipped, last = chain("LossScaleOptimizer", config, gradients, {"a": np.array([1.0]), "b": np.array([1.0])})
    assert skipped.variables == first.variables
    assert {name: skipped.slots[name].tolist() for name in (SCALE, COUNTER, ITERATION)} == {
        SCALE: 4.0,
        COUNTER: 0,
        ITERATION: 1,
    }
    assert skipped.slots["a/momentum"] == first.slots["a/momentum"] == -0.125
    assert int(last.slots[ITERATION]) == 2
    assert last.slots["a/momentum"] == pytest.approx([0.5 * -0.125 - 0.125 * 2])


def test_the_first_update_may_be_skipped() -> None:
    after = chain("LossScaleOptimizer", scaled(inner("Adam", **ADAM)), [np.full((3, 2), np.inf)])[0]
    np.testing.assert_array_equal(after.variables["kernel"], KERNEL)
    assert after.slots[SCALE] == 4.0 and after.slots[ITERATION] == 0


def test_the_fixed_scale_of_the_optimizer_inside_is_off() -> None:
    results = chain("LossScaleOptimizer", scaled(inner("SGD", loss_scale_factor=4.0)), [[8.0]], [0.0])
    assert results[0].variables["kernel"] == pytest.approx([-0.125])


def several(chosen: Config, default: Config, scale: float | None = None) -> Config:
    config = {"default_optimizer": default, "optimizer_map": chosen}
    return {"optimizer_map": {"class_name": "OptimizerMap", "config": config}, "loss_scale_factor": scale}


def test_each_variable_goes_to_the_optimizer_that_names_it() -> None:
    chosen = {"encoder/.*": inner("Nadam", **ADAM), "head/kernel": inner("Lion", beta_1=0.5, beta_2=0.5)}
    config = several(chosen, inner("SGD"))
    names = ("encoder/a", "encoder/b", "head/kernel", "head/bias")
    gradients = [dict.fromkeys(names, gradient) for gradient in GRADIENTS]
    results = chain("MultiOptimizer", config, gradients, dict.fromkeys(names, KERNEL), rate=0.0)
    nadam, lion, sgd = (chain(*each) for each in (("Nadam", ADAM), ("Lion", {"beta_1": 0.5, "beta_2": 0.5}), ("SGD", {})))
    for name, alone in zip(names, (nadam, nadam, lion, sgd), strict=True):
        np.testing.assert_allclose([result.variables[name] for result in results], kernels(alone))
    assert results[-1].slots["optimizer/nadam/u_product"] == nadam[-1].slots["optimizer/u_product"]
    assert results[-1].slots["optimizer/iteration"] == results[-1].slots["optimizer/lion/iteration"] == 6


def test_each_optimizer_clips_its_own_variables_with_the_common_scale() -> None:
    config = several({"a": inner("SGD", global_clipnorm=1.0, loss_scale_factor=64.0)}, inner("SGD"), scale=2.0)
    gradients = {"a": np.array([6.0, 8.0]), "b": np.array([8.0])}
    after = chain("MultiOptimizer", config, [gradients], {"a": np.zeros(2), "b": np.zeros(1)})[0]
    assert after.variables["a"] == pytest.approx([-0.125 * 0.6, -0.125 * 0.8])
    assert after.variables["b"] == pytest.approx([-0.125 * 4])


def test_choices_that_have_no_definition() -> None:
    with pytest.raises(Undefined, match="a function that chooses the optimizers"):
        chain("MultiOptimizer", {"optimizer_map": {"class_name": "function", "config": "choose"}})
    with pytest.raises(Undefined, match=r"several optimizers are named for kernel: k\.\*, \.\*l"):
        chain("MultiOptimizer", several({"k.*": inner("SGD"), ".*l": inner("SGD")}, inner("SGD")))
