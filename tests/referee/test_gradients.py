from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from suite.referee import layers
from suite.referee.definition import Array, Call
from suite.referee.gradients import directional, input_part, parts_of
from tests.referee.calls import normal


def dense(activation: str, **others: Any) -> Call:
    config = {"use_bias": True, "activation": activation, **others}
    weights = {"kernel": normal(4, 5), "bias": normal(5)}
    return Call(layer="Dense", config=config, inputs=(normal(3, 4),), weights=weights)


def tanh_gradients(asked: Call, cotangent: Array) -> Mapping[str, Array]:
    """Those of sum(tanh(x W + b) * cotangent), by hand."""
    (x,), kernel = asked.inputs, asked.weights["kernel"]
    inner = cotangent * (1.0 - np.tanh(x @ kernel + asked.weights["bias"]) ** 2)
    return {input_part(0): inner @ kernel.T, "kernel": x.T @ inner, "bias": inner.sum(axis=0)}


@pytest.mark.parametrize("parts", [("input 0",), ("kernel",), ("bias",), ("input 0", "kernel", "bias")])
def test_the_derivative_is_that_of_the_gradient_by_hand(parts: tuple[str, ...]) -> None:
    asked, cotangent = dense("tanh"), normal(3, 5, seed=9)
    found = directional(asked, [cotangent], seed=1, parts=parts)
    assert tuple(found.directions) == parts
    gradients = tanh_gradients(asked, cotangent)
    expected = sum(np.vdot(gradients[name], direction) for name, direction in found.directions.items())
    assert found.value == pytest.approx(expected, abs=1e-10 * found.scale)
    assert found.uncertainty <= 1e-9 * found.scale


def test_all_parts_move_unless_some_are_chosen() -> None:
    asked, cotangent = dense("tanh"), normal(3, 5, seed=9)
    whole = directional(asked, [cotangent], seed=1)
    each = [directional(asked, [cotangent], seed=1, parts=[name]) for name in parts_of(asked)]
    assert list(whole.directions) == ["input 0", "kernel", "bias"]
    assert whole.value == pytest.approx(sum(one.value for one in each), abs=1e-9 * whole.scale)
    for one in each:
        for name, direction in one.directions.items():
            assert np.array_equal(direction, whole.directions[name])


def test_another_seed_is_another_direction() -> None:
    first, second = (directional(dense("tanh"), [normal(3, 5)], seed=seed, parts=["bias"]) for seed in (1, 2))
    assert not np.allclose(first.directions["bias"], second.directions["bias"])


def test_parts_of_the_same_shape_move_in_different_directions() -> None:
    directions = directional(batch_normalization(), [normal(6, 3)], seed=1, parts=["gamma", "beta"]).directions
    assert abs(np.corrcoef(directions["gamma"], directions["beta"])[0, 1]) < 0.999


def relu(x: Array) -> Call:
    """relu(x + 0 W + 0)."""
    weights = {"kernel": np.eye(len(x)), "bias": np.zeros(len(x))}
    return replace(dense("relu"), inputs=(x[np.newaxis],), weights=weights)


def test_a_kink_close_by_is_avoided_by_a_smaller_step() -> None:
    x = np.array([1.0, -2.0, 1e-4])
    found = directional(relu(x), [np.ones((1, 3))], seed=1, parts=["input 0"])
    assert found.value == pytest.approx(np.vdot(found.directions["input 0"], [1.0, 0.0, 1.0]), rel=1e-9)
    assert found.uncertainty <= 1e-9 * found.scale


@pytest.mark.parametrize("distance", [0.0, 1e-12])
def test_a_kink_here_shows_as_uncertainty(distance: float) -> None:
    x = np.array([1.0, -2.0, distance])
    found = directional(relu(x), [np.ones((1, 3))], seed=1, parts=["input 0"])
    assert found.uncertainty >= abs(found.directions["input 0"][0, 2]) / 4


def test_kinks_do_not_cancel_each_other() -> None:
    x = np.array([1.0, 0.0, 0.0])
    found = directional(relu(x), [np.ones((1, 3))], seed=1, parts=["input 0"])
    _, first, second = abs(found.directions["input 0"][0])
    balanced = directional(relu(x), [np.array([[1.0, 1.0, -first / second]])], seed=1, parts=["input 0"])
    assert balanced.uncertainty >= first / 2


def test_where_an_output_is_not_finite_nothing_is_certain() -> None:
    config = {"data_format": "channels_last"}
    asked = Call(layer="GlobalAveragePooling1D", config=config, inputs=(normal(1, 2, 3),), masks=(np.zeros((1, 2), bool),))
    assert directional(asked, [np.ones((1, 3))], seed=1).uncertainty == np.inf


def test_integers_do_not_move_and_have_no_cotangent() -> None:
    asked = Call(layer="Embedding", config={}, inputs=(np.array([[0, 2]]),), weights={"embeddings": normal(3, 2)})
    found = directional(asked, [np.ones((1, 2, 2))], seed=1)
    assert list(found.directions) == ["embeddings"]
    assert found.value == pytest.approx(found.directions["embeddings"][[0, 2]].sum())
    whole = Call(layer="Flatten", config={}, inputs=(np.ones((2, 3), int),))
    assert directional(whole, [np.ones((2, 3))], seed=1).value == 0.0


BATCH: Mapping[str, Any] = {"axis": -1, "momentum": 0.75, "epsilon": 1e-3, "center": True, "scale": True}


def batch_normalization(**others: Any) -> Call:
    names = ("gamma", "beta", "moving_mean", "moving_variance", "moving_stddev", "renorm_mean", "renorm_stddev")
    weights = {name: np.abs(normal(3, seed=index)) + 0.5 for index, name in enumerate(names)}
    config = {**BATCH, **others}
    return Call(layer="BatchNormalization", config=config, inputs=(normal(6, 3),), weights=weights, training=True)


def test_statistics_are_not_differentiated_by() -> None:
    assert parts_of(batch_normalization()) == ("input 0", "gamma", "beta")


def test_a_frozen_layer_is_differentiated_by_its_inputs_only() -> None:
    assert parts_of(batch_normalization(trainable=False)) == ("input 0",)


def test_batch_normalization_propagates_through_its_statistics() -> None:
    """Ioffe and Szegedy 2015, section 3: the gradient of a sum is zero, because the mean moves along."""
    found = directional(batch_normalization(), [np.ones((6, 3))], seed=1, parts=["input 0"])
    assert found.scale > 0.0 and abs(found.value) <= 1e-10 * found.scale


def test_renormalization_holds_its_corrections() -> None:
    """With r and d constant, y = (x - mean) / stddev * r + ..., so the gradient is that of batch normalization times r."""
    renormalized = batch_normalization(renorm=True, renorm_momentum=0.5, renorm_clipping={"rmin": 2.0, "rmax": 2.0})
    cotangent = normal(6, 3, seed=9)
    found = directional(renormalized, [cotangent], seed=1, parts=["input 0"])
    plain = directional(batch_normalization(), [cotangent], seed=1, parts=["input 0"])
    assert found.value == pytest.approx(2.0 * plain.value, rel=1e-9)
    free = batch_normalization(renorm=True, renorm_momentum=0.5)
    weights, x = free.weights, free.inputs[0]
    stretch = np.sqrt(x.var(axis=0) + 1e-3) / weights["renorm_stddev"]  # r
    expected = directional(batch_normalization(), [cotangent * stretch], seed=1, parts=["input 0"])
    assert directional(free, [cotangent], seed=1, parts=["input 0"]).value == pytest.approx(expected.value, rel=1e-9)


def test_spectral_normalization_holds_its_vectors() -> None:
    """Miyato et al. 2018, equation 12: dW / sigma - W (u v) / sigma²."""
    kernel, vector = normal(3, 4), normal(1, 4)
    inner = {"name": "dense", "use_bias": False, "activation": "linear"}
    config = {"layer": {"class_name": "Dense", "config": inner}, "power_iterations": 1}
    weights = {"dense/kernel": kernel, "vector_u": vector}
    asked = Call(layer="SpectralNormalization", config=config, inputs=(np.eye(3),), weights=weights, training=True)
    cotangent = normal(3, 4, seed=9)
    found = directional(asked, [cotangent], seed=1, parts=["dense/kernel"])
    left = kernel @ vector[0] / np.linalg.norm(kernel @ vector[0])
    right = left @ kernel / np.linalg.norm(left @ kernel)
    sigma, direction = left @ kernel @ right, found.directions["dense/kernel"]
    expected = direction / sigma - kernel * (left @ direction @ right) / sigma**2
    assert found.value == pytest.approx(np.vdot(cotangent, expected), rel=1e-9)


def test_the_wrong_cotangent_and_the_wrong_part_are_named() -> None:
    with pytest.raises(ValueError, match=r"a cotangent has the shape \(5, 3\), and its output \(3, 5\)"):
        directional(dense("tanh"), [normal(5, 3)], seed=1)
    with pytest.raises(ValueError, match="there is no part gamma in this call of Dense; it has input 0, kernel, bias"):
        directional(dense("tanh"), [normal(3, 5)], seed=1, parts=["gamma"])


SMOOTH: Mapping[str, Call] = {
    "BatchNormalization": batch_normalization(),
    "LayerNormalization": Call(
        layer="LayerNormalization", config=BATCH, inputs=(normal(6, 3),), weights={"gamma": normal(3), "beta": normal(3)}
    ),
    "UnitNormalization": Call(layer="UnitNormalization", config=BATCH, inputs=(normal(6, 3),)),
    "softmax": dense("softmax"),
    "sigmoid": dense("sigmoid"),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_smooth_functions_are_certain_to_nine_digits(name: str) -> None:
    asked = SMOOTH[name]
    (y,) = layers.call(asked).outputs
    found = directional(asked, [normal(*y.shape, seed=9)], seed=1)
    assert found.uncertainty <= 1e-9 * found.scale


def test_a_step_that_masking_leaves_out_has_no_gradient() -> None:
    """Any other number than the mask value counts, however near: the function jumps there, the gradient does not."""
    steps = normal(2, 3, 4)
    steps[:, 2] = 0.0
    asked, cotangent = Call(layer="Masking", config={"mask_value": 0.0}, inputs=(steps,)), normal(2, 3, 4, seed=9)
    found = directional(asked, [cotangent], seed=1)
    expected = np.vdot(cotangent[:, :2], found.directions["input 0"][:, :2])
    assert found.value == pytest.approx(expected, abs=1e-9 * found.scale)
    assert found.uncertainty <= 1e-9 * found.scale
