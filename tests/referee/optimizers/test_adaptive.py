"""RMSprop, Adagrad, Adadelta and Ftrl against ONNX, against each other, and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.referee.optimizers.chains import GRADIENTS, KERNEL, chain, kernels
from tests.referee.optimizers.onnx_updates import onnx_kernels

FTRL: dict[str, Any] = {
    "learning_rate_power": -0.5, "initial_accumulator_value": 0.25, "l1_regularization_strength": 0.0,
    "l2_regularization_strength": 0.0, "l2_shrinkage_regularization_strength": 0.0, "beta": 0.0,
}  # fmt: skip


def test_the_example_on_the_page_of_rmsprop() -> None:
    results = chain("RMSprop", {"rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False}, [[10.0]], [10.0], rate=0.1)
    assert kernels(results)[0] == pytest.approx([9.683772])


def test_rmsprop_with_everything() -> None:
    config = {"rho": 0.5, "momentum": 0.25, "epsilon": 1.0, "centered": True}
    after = chain("RMSprop", config, [[2.0], [2.0]], [0.0], rate=1.0)
    # First: v = 2, a = 1, move 2 / √(2 - 1 + 1). Second: v = 3, a = 1.5, move 2 / √(3 - 2.25 + 1).
    first, second = 2 / np.sqrt(2), 2 / np.sqrt(1.75)
    assert after[0].variables["kernel"] == pytest.approx([-first])
    assert after[1].variables["kernel"] == pytest.approx([-first - (0.25 * first + second)])
    assert {name: slot.tolist() for name, slot in after[1].slots.items() if "kernel" in name} == {
        "kernel/velocity": [3.0],
        "kernel/average_gradient": [1.5],
        "kernel/momentum": [pytest.approx(0.25 * first + second)],
    }


def test_adagrad() -> None:
    state = [np.full((3, 2), 0.25)]
    expected = onnx_kernels(
        "Adagrad", KERNEL, GRADIENTS, 0.125, state, 0, decay_factor=0.0, epsilon=0.0, norm_coefficient=0.0
    )
    results = chain("Adagrad", {"initial_accumulator_value": 0.25, "epsilon": 0.0})
    np.testing.assert_allclose(kernels(results), expected)


def test_epsilon_of_adagrad_is_inside_the_root() -> None:
    after = chain("Adagrad", {"initial_accumulator_value": 4.0, "epsilon": 11.0}, [[1.0]], [0.0], rate=1.0)[0]
    assert after.variables["kernel"] == pytest.approx([-1 / 4])
    assert after.slots["kernel/accumulator"] == pytest.approx([5.0])


def test_adadelta() -> None:
    after = chain("Adadelta", {"rho": 0.75, "epsilon": 1.0}, [[4.0], [0.0]], [0.0], rate=0.5)
    move = 4 / np.sqrt(4 + 1)
    assert after[0].variables["kernel"] == pytest.approx([-0.5 * move])
    assert after[0].slots["kernel/accumulated_delta_var"] == pytest.approx([0.25 * move**2])
    assert after[1].variables["kernel"] == pytest.approx([-0.5 * move])
    assert after[1].slots["kernel/accumulated_grad"] == pytest.approx([3.0])


def test_ftrl_from_zero_without_penalties_is_adagrad() -> None:
    ftrl = chain("Ftrl", FTRL, start=np.zeros((3, 2)))
    adagrad = chain("Adagrad", {"initial_accumulator_value": 0.25, "epsilon": 0.0}, start=np.zeros((3, 2)))
    np.testing.assert_allclose(kernels(ftrl), kernels(adagrad))


def test_ftrl_solves_the_problem_that_its_paper_states() -> None:
    """The new variable is the smallest point of z · w + (beta + √n) / lr · w² / 2 + l2 · w² + l1 · |w|."""
    config = FTRL | {"l1_regularization_strength": 0.25, "l2_regularization_strength": 0.5, "beta": 0.5}
    after = chain("Ftrl", config)[-1]
    z, n = after.slots["kernel/linear"], after.slots["kernel/accumulator"]

    def problem(w: np.ndarray) -> np.ndarray:
        return np.asarray(z * w + (0.5 + np.sqrt(n)) / 0.125 * w**2 / 2 + 0.5 * w**2 + 0.25 * np.abs(w))

    least = problem(after.variables["kernel"])
    for near in (-1e-3, 1e-3):
        assert np.all(problem(after.variables["kernel"] + near) > least)


def test_ftrl_sets_small_sums_to_zero_and_shrinks() -> None:
    strong = chain("Ftrl", FTRL | {"l1_regularization_strength": 50.0})[-1]
    assert np.all(strong.variables["kernel"] == 0)
    shrunk = chain("Ftrl", FTRL | {"l2_shrinkage_regularization_strength": 0.5}, [[0.0]], [2.0])[0]
    assert shrunk.slots["kernel/linear"] == pytest.approx([2 * 0.5 * 2.0])


def test_ftrl_with_a_different_power() -> None:
    after = chain("Ftrl", FTRL | {"learning_rate_power": -1.0}, [[2.0]], [1.0], rate=0.5)[0]
    # n' = 4.25, z = 2 - (4.25 - 0.25) / 0.5 · 1 = -6, w = 6 / (4.25 / 0.5)
    assert after.slots["kernel/linear"] == pytest.approx([-6.0])
    assert after.variables["kernel"] == pytest.approx([6 / 8.5])
