"""Activations against SciPy, ONNX's reference implementation, and cases worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

from suite.referee.activations import ACTIVATIONS, activation, celu, gelu, glu, relu, softmax, sparsemax
from suite.referee.definition import Array, Undefined
from tests.referee.onnx_operator import onnx_operator

X = np.concatenate([np.linspace(-8.0, 8.0, 65), [-700.0, 700.0]])
ROWS = np.random.default_rng(7).normal(size=(3, 4, 5))

ONNX: dict[str, tuple[str, dict[str, Any]]] = {
    "celu": ("Celu", {"alpha": 1.0}),
    "elu": ("Elu", {"alpha": 1.0}),
    "gelu": ("Gelu", {}),
    "hard_shrink": ("Shrink", {"lambd": 0.5}),
    "hard_silu": ("HardSwish", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
    "relu": ("Relu", {}),
    "selu": ("Selu", {}),
    "sigmoid": ("Sigmoid", {}),
    "silu": ("Swish", {"alpha": 1.0}),
    "soft_shrink": ("Shrink", {"lambd": 0.5, "bias": 0.5}),
    "softmax": ("Softmax", {"axis": -1}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "tanh": ("Tanh", {}),
}

SCIPY: dict[str, Callable[[Array], Array]] = {
    "exponential": np.exp,
    "gelu": lambda x: x * scipy.special.ndtr(x),
    "log_sigmoid": scipy.special.log_expit,
    "log_softmax": lambda x: scipy.special.log_softmax(x, axis=-1),
    "mish": lambda x: x * np.tanh(np.logaddexp(0.0, x)),
    "sigmoid": scipy.special.expit,
    "silu": lambda x: x * scipy.special.expit(x),
    "softmax": lambda x: scipy.special.softmax(x, axis=-1),
    "softplus": lambda x: np.logaddexp(0.0, x),
    "squareplus": lambda x: (x + np.hypot(x, 2.0)) / 2.0,
}

# Values of Keras's documented piecewise formulas: inside each piece and where two pieces meet.
BY_HAND: dict[str, list[tuple[float, float]]] = {
    "hard_sigmoid": [(-3.5, 0.0), (-3.0, 0.0), (0.0, 0.5), (1.5, 0.75), (3.0, 1.0), (9.0, 1.0)],
    "hard_swish": [(-3.0, 0.0), (-1.5, -0.375), (1.5, 1.125), (3.0, 3.0), (5.0, 5.0)],
    "hard_tanh": [(-2.0, -1.0), (-0.25, -0.25), (1.0, 1.0), (7.0, 1.0)],
    "hard_shrink": [(-0.75, -0.75), (-0.5, 0.0), (0.5, 0.0), (0.625, 0.625)],
    "linear": [(-2.5, -2.5), (0.0, 0.0)],
    "relu6": [(-1.0, 0.0), (2.5, 2.5), (6.0, 6.0), (6.5, 6.0)],
    "sparse_plus": [(-1.5, 0.0), (-1.0, 0.0), (0.0, 0.25), (0.5, 0.5625), (1.0, 1.0), (1.5, 1.5)],
    "sparse_sigmoid": [(-1.0, 0.0), (-0.5, 0.25), (0.0, 0.5), (1.0, 1.0), (3.0, 1.0)],
    "squareplus": [(0.0, 1.0), (1.5, 2.0), (-1.5, 0.5)],
    "swish": [(0.0, 0.0)],
    "tanh_shrink": [(0.0, 0.0), (300.0, 299.0)],
}


@pytest.mark.parametrize("name", ONNX)
def test_an_activation_is_what_onnx_computes(name: str) -> None:
    operator, attributes = ONNX[name]
    expected = onnx_operator(operator, ROWS * 3.0, **attributes)[0]
    np.testing.assert_allclose(activation(name)(ROWS * 3.0), expected, rtol=3e-7, atol=3e-7)  # its constants are float32


@pytest.mark.parametrize("name", SCIPY)
def test_an_activation_is_what_scipy_computes_also_far_out(name: str) -> None:
    np.testing.assert_allclose(activation(name)(X), SCIPY[name](X), rtol=2e-14, atol=1e-300)


@pytest.mark.parametrize("name", BY_HAND)
def test_an_activation_has_the_values_of_its_formula(name: str) -> None:
    points, values = np.array(BY_HAND[name]).T
    np.testing.assert_allclose(activation(name)(points), values, rtol=0, atol=1e-15)


def test_every_activation_has_a_second_opinion() -> None:
    assert ACTIVATIONS.keys() <= {*ONNX, *SCIPY, *BY_HAND, "sparsemax", "glu"}


def test_the_constants_of_selu_keep_mean_zero_and_variance_one() -> None:
    points, weights = np.polynomial.hermite_e.hermegauss(200)
    moments = [np.sum(weights * activation("selu")(points) ** power) / np.sqrt(2.0 * np.pi) for power in (1, 2)]
    np.testing.assert_allclose(moments, [0.0, 1.0], atol=2e-3)  # the quadrature does not know the kink at 0


def test_sparsemax_is_the_nearest_point_of_the_simplex() -> None:
    answer = activation("sparsemax")(np.array([[3.0, 0.0, 0.0], [0.5, 0.25, 0.25], [1.0, 0.6, -1.0]]))
    np.testing.assert_allclose(answer, [[1.0, 0.0, 0.0], [0.5, 0.25, 0.25], [0.7, 0.3, 0.0]], atol=1e-15)


def test_a_sum_of_sparsemax_is_one_however_many_entries_are_positive() -> None:
    answer = activation("sparsemax")(ROWS)
    np.testing.assert_allclose(answer.sum(axis=-1), np.ones((3, 4)), rtol=1e-14)
    assert {1, 2, 3} <= set(np.count_nonzero(answer, axis=-1).ravel())
    np.testing.assert_allclose(sparsemax(ROWS, axis=1), np.swapaxes(sparsemax(np.swapaxes(ROWS, 1, 2)), 1, 2), atol=0)


@pytest.mark.parametrize("name", ["elu", "selu", "celu"])
def test_a_large_input_overflows_nowhere(name: str) -> None:
    assert np.isfinite(activation(name)(np.array([-1e4, 1e4]))).all()


def test_celu_stretches_the_exponential_by_alpha() -> None:
    np.testing.assert_allclose(celu(np.array([-2.0, 2.0]), alpha=2.0), [2.0 * (np.exp(-1.0) - 1.0), 2.0])


def test_glu_gates_the_first_half_of_the_axis_by_the_second() -> None:
    rows = np.array([[2.0, -4.0, 0.0, np.log(3.0)]])
    np.testing.assert_allclose(glu(rows), [[1.0, -3.0]])
    np.testing.assert_allclose(glu(rows.T, axis=0), [[1.0], [-3.0]])


def test_gelu_approximate_is_near_gelu_and_not_gelu() -> None:
    difference = np.abs(gelu(X, approximate=True) - gelu(X))
    assert 1e-4 < difference.max() < 5e-4
    assert gelu(np.array([1.0]), approximate=True)[0] == pytest.approx(0.8411919906082768, abs=1e-15)


def test_relu_with_all_arguments() -> None:
    points = np.array([-2.0, 0.0, 1.0, 1.5, 4.0, 9.0])
    np.testing.assert_allclose(
        relu(points, negative_slope=0.5, max_value=3.0, threshold=1.0), [-1.5, -0.5, 0.0, 1.5, 3.0, 3.0], atol=0
    )
    with pytest.raises(Undefined, match="below its threshold"):
        relu(points, max_value=1.0, threshold=2.0)


def test_softmax_over_two_axes_sums_to_one_over_both() -> None:
    answer = softmax(ROWS, axis=(1, 2))
    np.testing.assert_allclose(answer.sum(axis=(1, 2)), np.ones(3), rtol=1e-15)
    np.testing.assert_allclose(answer, scipy.special.softmax(ROWS, axis=(1, 2)), rtol=1e-14)


@pytest.mark.parametrize(
    "identifier",
    ["relu", {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"}],
)
def test_an_activation_is_known_by_its_name_or_serialized(identifier: Any) -> None:
    np.testing.assert_array_equal(activation(identifier)(np.array([-1.0, 2.0])), [0.0, 2.0])


def test_no_activation_is_linear() -> None:
    assert activation(None)(X) is X


@pytest.mark.parametrize(
    ("kind", "config", "values"),
    [
        ("LeakyReLU", {"negative_slope": 0.25}, [-0.5, 8.0]),
        ("ReLU", {"negative_slope": 0.5, "max_value": 6.0, "threshold": 0.0}, [-1.0, 6.0]),
        ("ELU", {"name": "elu", "alpha": 2.0}, [2.0 * np.expm1(-2.0), 8.0]),
    ],
)
def test_a_layer_as_an_activation_keeps_its_arguments(kind: str, config: dict[str, Any], values: list[float]) -> None:
    np.testing.assert_allclose(activation({"class_name": kind, "config": config})(np.array([-2.0, 8.0])), values)


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("my_activation", "my_activation"),
        ("threshold", "threshold"),
        ({"class_name": "function", "config": "Custom>gate"}, "Custom>gate"),
        ({"class_name": "PReLU", "config": {"name": "p_re_lu"}}, "PReLU"),
    ],
)
def test_what_is_not_an_activation_of_keras_is_undefined(identifier: Any, name: str) -> None:
    with pytest.raises(Undefined, match=f"no independent definition of the activation '{name}'"):
        activation(identifier)
