"""Muon against the singular value decomposition, Adafactor against the sums of its paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suite.referee.definition import Update
from suite.referee.optimizers import update
from suite.referee.optimizers.matrices import as_adamw, orthogonal
from tests.referee.optimizers.chains import GRADIENTS, KERNEL, chain, kernels

# X ← 1.5 · X - 0.5 · X · Xᵀ · X converges to the orthogonal factor; Muon's own coefficients only come near it.
EXACT: dict[str, Any] = {"muon_a": 1.5, "muon_b": -0.5, "muon_c": 0.0, "ns_steps": 40}
MUON: dict[str, Any] = EXACT | {
    "momentum": 0.75, "nesterov": False, "rms_rate": None, "adam_beta_1": 0.75, "adam_beta_2": 0.875, "epsilon": 1e-3,
    "adam_lr_ratio": 0.5, "exclude_embeddings": True, "exclude_layers": ["output"], "weight_decay": 0.0,
    "adam_weight_decay": 0.0,
}  # fmt: skip
ADAFACTOR: dict[str, Any] = {"beta_2_decay": -0.8, "epsilon_1": 1e-30, "epsilon_2": 1e-3, "clip_threshold": 1.0}


def factor(matrix: np.ndarray) -> np.ndarray:
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    return np.asarray(u @ v)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (3, 3)])
def test_orthogonal_factors(shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(5).normal(size=shape)
    np.testing.assert_allclose(orthogonal(matrix, EXACT), factor(matrix), atol=1e-10)
    recommended = {"muon_a": 3.4445, "muon_b": -4.775, "muon_c": 2.0315, "ns_steps": 5}
    singular = np.linalg.svd(orthogonal(matrix, recommended), compute_uv=False)
    assert np.all((singular > 0.6) & (singular < 1.3))


def test_the_fifth_power_counts() -> None:
    once = orthogonal(np.diag([3.0, 4.0]), {"muon_a": 1.0, "muon_b": 2.0, "muon_c": 3.0, "ns_steps": 1})
    assert np.diag(once) == pytest.approx([x + 2 * x**3 + 3 * x**5 for x in (0.6, 0.8)])


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize(("rms_rate", "scale"), [(None, 1.0), (0.25, 0.25 * np.sqrt(3))])
def test_muon_of_a_matrix(nesterov: bool, rms_rate: float | None, scale: float) -> None:
    results = chain("Muon", MUON | {"nesterov": nesterov, "rms_rate": rms_rate})
    momentum, value = np.zeros((3, 2)), KERNEL
    for gradient, result in zip(GRADIENTS, results, strict=True):
        momentum = 0.75 * momentum + gradient
        value = value - 0.125 * scale * factor(gradient + 0.75 * momentum if nesterov else momentum)
        np.testing.assert_allclose(result.variables["kernel"], value, atol=1e-8)
        np.testing.assert_allclose(result.slots["kernel/momentum"], momentum)


@pytest.mark.parametrize("name", ["embedding/embeddings", "output/kernel"])
def test_variables_that_muon_leaves_to_adam(name: str) -> None:
    config = {"beta_1": 0.75, "beta_2": 0.875, "epsilon": 1e-3, "weight_decay": 0.25}
    muon = chain("Muon", MUON | {"adam_weight_decay": 0.5}, [{name: GRADIENTS[0]}], {name: KERNEL})[0]
    adam = chain("Adam", config, GRADIENTS[:1], rate=0.125 / 2)[0]
    # The ratio of the rates concerns the rule, not the decay: 0.125 · 0.5 · w.
    decay = (0.125 * 0.5 - 0.0625 * 0.25) * KERNEL
    np.testing.assert_allclose(muon.variables[name], adam.variables["kernel"] - decay)


def test_what_muon_counts_as_a_matrix() -> None:
    assert not as_adamw("dense/kernel", KERNEL, MUON)
    assert as_adamw("dense/bias", KERNEL[0], MUON) and as_adamw("conv/kernel", np.zeros((2, 2, 2)), MUON)
    assert not as_adamw("embedding/embeddings", KERNEL, MUON | {"exclude_embeddings": False})
    assert set(chain("Muon", MUON)[0].slots) == {"optimizer/iteration", "kernel/momentum"}


def test_muon_decays_matrices_by_their_own_rate() -> None:
    plain, decayed = (chain("Muon", MUON | {"weight_decay": rate}, GRADIENTS[:1])[0] for rate in (0.0, 0.5))
    np.testing.assert_allclose(decayed.variables["kernel"], plain.variables["kernel"] - 0.125 * 0.5 * KERNEL)


def paper(gradients: list[np.ndarray], value: np.ndarray, rate: float) -> list[np.ndarray]:
    """Algorithm 4 of the paper, for a matrix, with sums over rows and columns."""
    rows, columns, values = np.zeros((value.shape[0], 1)), np.zeros((1, value.shape[1])), []
    for t, gradient in enumerate(gradients, start=1):
        beta = 1 - t**-0.8
        square = gradient**2 + 1e-30
        rows = beta * rows + (1 - beta) * square.sum(axis=1, keepdims=True)
        columns = beta * columns + (1 - beta) * square.sum(axis=0, keepdims=True)
        move = gradient / np.sqrt(rows @ columns / rows.sum())
        move = move / max(1, np.sqrt(np.mean(move**2)))
        value = value - min(rate, 1 / np.sqrt(t)) * max(1e-3, np.sqrt(np.mean(value**2))) * move
        values.append(value)
    return values


@pytest.mark.parametrize("rate", [0.125, 0.5])
def test_adafactor_of_a_matrix(rate: float) -> None:
    results = chain("Adafactor", ADAFACTOR, rate=rate)
    np.testing.assert_allclose(kernels(results), paper(GRADIENTS, KERNEL, rate))
    assert results[-1].slots["kernel/r"].shape == (3,) and results[-1].slots["kernel/c"].shape == (2,)


def test_adafactor_of_two_matrices_shares_only_their_sizes() -> None:
    """The second moments are factored within each matrix of the last two dimensions."""
    gradients = [np.stack([gradient, 10 * gradient]) for gradient in GRADIENTS]
    results = chain("Adafactor", ADAFACTOR, gradients, np.stack([KERNEL, KERNEL]))
    np.testing.assert_allclose([kernel[1] for kernel in kernels(results)], paper(GRADIENTS, KERNEL, 0.125))
    assert results[-1].slots["kernel/c"].shape == (2, 2)


def test_adafactor_of_a_vector_keeps_every_second_moment() -> None:
    results = chain("Adafactor", ADAFACTOR | {"clip_threshold": 0.5}, [[2.0, -4.0], [2.0, 4.0]], [3.0, 4.0])
    first = np.array([3.0, 4.0]) - 0.125 * np.sqrt(12.5) * np.array([1.0, -1.0]) / 2
    assert results[0].variables["kernel"] == pytest.approx(first)
    assert results[1].slots["kernel/velocity"] == pytest.approx([4.0, 16.0])
    assert "kernel/r" not in results[1].slots


def test_adafactor_keeps_idle_slots_for_vectors() -> None:
    """Keras makes an integer 0 in the place of the rows and columns that a vector does not have."""
    idle = {"bias/r": np.array(0), "bias/c": np.array(0)}
    bias = {"bias": np.array([3.0, 4.0])}
    asked = Update(
        optimizer="Adafactor", config=ADAFACTOR, iteration=0, learning_rate=0.125, variables=bias, gradients=bias, slots=idle
    )
    np.testing.assert_allclose(update(asked).variables["bias"], kernels(chain("Adafactor", ADAFACTOR, [[3, 4]], [3, 4]))[0])


def test_adafactor_of_tiny_variables_moves_by_the_second_epsilon() -> None:
    after = chain("Adafactor", ADAFACTOR | {"epsilon_2": 0.5}, [[2.0]], [0.0])[0]
    assert after.variables["kernel"] == pytest.approx([-0.125 * 0.5])
