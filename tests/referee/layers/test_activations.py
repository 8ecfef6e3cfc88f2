"""Activation layers against ONNX, SciPy and cases worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special

from suite.referee.definition import Array, Call, Undefined
from suite.referee.layers import call
from tests.referee.onnx_operator import onnx_operator

X = np.random.default_rng(11).normal(size=(2, 3, 4)) * 2.0


def output(layer: str, config: dict[str, Any], x: Array = X, **rest: Any) -> Array:
    (answer,) = call(Call(layer=layer, config=config, inputs=(x,), **rest)).outputs
    return answer


def test_activation_applies_the_function_that_it_names() -> None:
    np.testing.assert_allclose(output("Activation", {"activation": "tanh"}), np.tanh(X))
    assert output("Activation", {"activation": None}, np.array([1, 2])).dtype == np.float64


def test_relu_takes_its_arguments_by_name() -> None:
    config = {"negative_slope": 0.5, "max_value": 3.0, "threshold": 1.0}
    np.testing.assert_allclose(output("ReLU", config, np.array([-1.0, 1.0, 2.0, 5.0])), [-1.0, 0.0, 2.0, 3.0])


def test_leaky_relu_and_elu_have_the_slope_of_their_configuration() -> None:
    points = np.array([-4.0, 4.0])
    np.testing.assert_allclose(output("LeakyReLU", {"negative_slope": 0.25}, points), [-1.0, 4.0])
    np.testing.assert_allclose(output("ELU", {"alpha": 0.5}, points), onnx_operator("Elu", points, alpha=0.5)[0])


@pytest.mark.parametrize("shape", [(3, 4), (1, 4), (3, 1)])
def test_prelu_has_a_slope_for_each_entry_that_is_not_shared(shape: tuple[int, ...]) -> None:
    alpha = np.random.default_rng(3).normal(size=shape)
    expected = onnx_operator("PRelu", X, alpha[np.newaxis])[0]
    np.testing.assert_allclose(output("PReLU", {}, weights={"alpha": alpha}), expected)


@pytest.mark.parametrize("axis", [-1, 0, 1, [1], [1, 2], [-1, 0]])
def test_softmax_over_any_axes(axis: int | list[int]) -> None:
    axes = axis if isinstance(axis, int) else tuple(axis)
    np.testing.assert_allclose(output("Softmax", {"axis": axis}), scipy.special.softmax(X, axis=axes), rtol=1e-14)


@pytest.mark.parametrize("given", ["an argument", "numbers as an argument", "with the input"])
def test_softmax_with_a_mask_is_the_softmax_of_the_entries_that_count(given: str) -> None:
    mask = np.array([True, False, True, True])
    masks: dict[str, Any] = {
        "an argument": {"arguments": {"mask": mask}},
        "numbers as an argument": {"arguments": {"mask": np.array([1.0, 0.5, 0.75, 2.0])}},
        "with the input": {"masks": (mask,)},
    }
    answer = output("Softmax", {"axis": -1}, **masks[given])
    np.testing.assert_allclose(answer[..., mask], scipy.special.softmax(X[..., mask], axis=-1), rtol=1e-14)
    assert (answer[..., 1] == 0.0).all()


def test_softmax_of_entries_that_are_all_masked_is_zero() -> None:
    mask = np.array([[True] * 4, [False] * 4, [True] * 4])
    answer = output("Softmax", {"axis": [-1]}, X + 5000.0, arguments={"mask": mask})
    assert (answer[:, 1] == 0.0).all()
    np.testing.assert_allclose(answer[:, 0], scipy.special.softmax(X[:, 0], axis=-1), rtol=1e-11)


def test_softmax_of_large_entries_beside_masked_ones_overflows_nowhere() -> None:
    answer = output(
        "Softmax", {"axis": -1}, np.array([5000.0, 9.0, 5000.0]), arguments={"mask": np.array([True, False, True])}
    )
    np.testing.assert_array_equal(answer, [0.5, 0.0, 0.5])


def test_softmax_refuses_a_mask_of_a_different_shape() -> None:
    with pytest.raises(Undefined, match="shape \\(3,\\) for a softmax of shape \\(2, 3, 4\\)"):
        output("Softmax", {"axis": -1}, arguments={"mask": np.array([True, False, True])})


def test_a_layer_without_a_definition_is_undefined() -> None:
    with pytest.raises(Undefined, match="no independent definition of Gate"):
        output("Gate", {})
