"""Adam against ONNX, its relatives against the algorithms of their papers."""

from __future__ import annotations

import numpy as np
import pytest

from suite.referee.definition import Update
from suite.referee.optimizers import update
from tests.referee.optimizers.chains import ADAM, GRADIENTS, KERNEL, chain, kernels
from tests.referee.optimizers.onnx_updates import onnx_kernels


def test_adam() -> None:
    expected = onnx_kernels(
        "Adam", KERNEL, GRADIENTS, 0.125, [np.zeros((3, 2)), np.zeros((3, 2))], 1,
        alpha=0.75, beta=0.875, epsilon=1e-3, norm_coefficient=0.0, norm_coefficient_post=0.0,
    )  # fmt: skip
    np.testing.assert_allclose(kernels(chain("Adam", ADAM | {"amsgrad": False})), expected)


def test_adamw_is_adam_with_a_decay_before_it() -> None:
    decayed = chain("AdamW", ADAM | {"weight_decay": 0.5}, GRADIENTS[:1])[0]
    plain = chain("Adam", ADAM, GRADIENTS[:1], KERNEL * (1 - 0.125 * 0.5))[0]
    np.testing.assert_allclose(decayed.variables["kernel"], plain.variables["kernel"])


def test_amsgrad_remembers_the_largest_second_moment() -> None:
    after = chain("Adam", ADAM | {"amsgrad": True}, [[8.0], [0.0], [0.0]], [0.0])
    assert [result.slots["kernel/velocity_hat"].tolist() for result in after] == [[8.0], [8.0], [8.0]]
    assert after[2].slots["kernel/velocity"] == pytest.approx([8 * 0.875**2])
    moved = after[2].variables["kernel"] - after[1].variables["kernel"]
    rate = 0.125 * np.sqrt(1 - 0.875**3) / (1 - 0.75**3)
    assert moved == pytest.approx([-rate * 2 * 0.75**2 / (np.sqrt(8) + 1e-3)])


def test_adamax_follows_algorithm_2_of_the_paper() -> None:
    mean, norm, value, expected = np.zeros((3, 2)), np.zeros((3, 2)), KERNEL, []
    for t, gradient in enumerate(GRADIENTS, start=1):
        mean = 0.75 * mean + 0.25 * gradient
        norm = np.maximum(0.875 * norm, abs(gradient))
        value = value - 0.125 / (1 - 0.75**t) * mean / norm
        expected.append(value)
    np.testing.assert_allclose(kernels(chain("Adamax", ADAM | {"epsilon": 0.0})), expected)


def test_epsilon_of_adamax_adds_to_the_norm() -> None:
    after = chain("Adamax", ADAM | {"epsilon": 2.0}, [[2.0]], [0.0], rate=1.0)[0]
    assert after.variables["kernel"] == pytest.approx([-0.5])


def test_nadam_without_first_moment_is_adam_without_it() -> None:
    config = {"beta_1": 0.0, "beta_2": 0.875, "epsilon": 0.0}
    np.testing.assert_allclose(kernels(chain("Nadam", config)), kernels(chain("Adam", config)))


def test_nadam_by_hand() -> None:
    after = chain("Nadam", {"beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.0}, [[2.0], [4.0]], [0.0], rate=1.0)
    u1, u2, u3 = (0.5 * (1 - 0.5 * 0.96**t) for t in (1, 2, 3))
    first = (u2 * 1.0 / (1 - u1 * u2) + (1 - u1) * 2.0 / (1 - u1)) / 2
    second = (u3 * 2.5 / (1 - u1 * u2 * u3) + (1 - u2) * 4.0 / (1 - u1 * u2)) / np.sqrt(4.75 / (1 - 0.75**2))
    assert after[0].variables["kernel"] == pytest.approx([-first])
    assert after[1].variables["kernel"] == pytest.approx([-first - second])
    assert after[1].slots["optimizer/u_product"] == pytest.approx(u1 * u2)


def test_the_product_of_nadam_follows_from_the_number_of_the_update() -> None:
    """A run may not give it: Keras's variable for it has no name of its own."""
    results = chain("Nadam", ADAM, GRADIENTS[:3])
    slots = {name: value for name, value in results[1].slots.items() if name != "optimizer/u_product"}
    asked = Update(
        optimizer="Nadam", config=ADAM, iteration=2, learning_rate=0.125, variables=results[1].variables,
        gradients={"kernel": GRADIENTS[2]}, slots=slots,
    )  # fmt: skip
    np.testing.assert_allclose(update(asked).variables["kernel"], results[2].variables["kernel"])


def test_lamb_moves_by_its_rate_times_the_length_of_the_variable() -> None:
    """In the direction of Adam with ε beside √v̂, which without an ε is Adam's."""
    lamb, adam = (chain(name, ADAM | {"epsilon": 0.0}, GRADIENTS[:1])[0] for name in ("Lamb", "Adam"))
    move, direction = (KERNEL - result.variables["kernel"] for result in (lamb, adam))
    assert np.linalg.norm(move) == pytest.approx(0.125 * np.linalg.norm(KERNEL))
    np.testing.assert_allclose(move / np.linalg.norm(move), direction / np.linalg.norm(direction))


def test_epsilon_of_lamb_is_beside_the_corrected_root() -> None:
    # m̂ / (√v̂ + ε) is 2 / (2 + ε) in the first element, and 1 / (1 + ε) in the second.
    after = chain("Lamb", ADAM | {"epsilon": 2.0}, [[2.0, 1.0]], [3.0, 4.0], rate=0.5)[0]
    move = np.array([1 / 2, 1 / 3])
    assert after.variables["kernel"] == pytest.approx([3.0, 4.0] - 0.5 * 5 / np.linalg.norm(move) * move)


def test_lamb_of_zeros_moves_like_adam() -> None:
    results = (chain(name, ADAM | {"epsilon": 0.0}, GRADIENTS[:1], np.zeros((3, 2)))[0] for name in ("Lamb", "Adam"))
    lamb, adam = (result.variables["kernel"] for result in results)
    np.testing.assert_allclose(lamb, adam)
    still = chain("Lamb", ADAM, [np.zeros((3, 2))])[0]
    np.testing.assert_array_equal(still.variables["kernel"], KERNEL)


@pytest.mark.parametrize("warmup", [0, 4])
def test_schedule_free_follows_the_algorithm_of_the_paper(warmup: int) -> None:
    """With all three points kept: the average x, the fast point z, and y where the gradient is taken."""
    x = z = y = KERNEL
    square, expected = np.zeros((3, 2)), []
    for t, gradient in enumerate(GRADIENTS, start=1):
        square = 0.875 * square + 0.125 * gradient**2
        rate = 0.125 * (min(t / warmup, 1) if warmup else 1)
        z = z - rate * gradient / (np.sqrt(square / (1 - 0.875**t)) + 1e-3)
        x = (1 - 1 / t) * x + z / t
        y = 0.25 * z + 0.75 * x
        expected.append(y)
    results = chain("ScheduleFreeAdamW", ADAM | {"warmup_steps": warmup})
    np.testing.assert_allclose(kernels(results), expected)
    np.testing.assert_allclose(results[-1].slots["kernel/momentum"], z)
