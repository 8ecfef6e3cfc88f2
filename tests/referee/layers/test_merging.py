"""Merging layers against ONNX, einsum and cases worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suite.referee.definition import Array, Call, Undefined
from suite.referee.layers import call
from tests.referee.onnx_operator import onnx_operator

DRAW = np.random.default_rng(5)
INPUTS = tuple(DRAW.normal(size=(2, 3, 4)) for _ in range(3))
ONNX = {"Add": "Sum", "Average": "Mean", "Maximum": "Max", "Minimum": "Min"}
YES, NO = np.array([[True, True]]), np.array([[False, False]])


def output(layer: str, *inputs: Array, masks: tuple[Array | None, ...] = (), **config: Any) -> Array:
    (answer,) = call(Call(layer=layer, config=config, inputs=inputs, masks=masks)).outputs
    return answer


@pytest.mark.parametrize("layer", ONNX)
def test_a_merging_layer_is_what_onnx_computes(layer: str) -> None:
    np.testing.assert_allclose(output(layer, *INPUTS), onnx_operator(ONNX[layer], *INPUTS)[0], rtol=1e-15)


def test_subtract_and_multiply() -> None:
    np.testing.assert_array_equal(output("Subtract", *INPUTS[:2]), INPUTS[0] - INPUTS[1])
    np.testing.assert_array_equal(output("Multiply", *INPUTS), INPUTS[0] * INPUTS[1] * INPUTS[2])


def test_inputs_with_fewer_axes_get_new_ones_after_the_rows() -> None:
    vectors = DRAW.normal(size=(2, 4))
    np.testing.assert_array_equal(output("Add", INPUTS[0], vectors), INPUTS[0] + vectors[:, np.newaxis, :])


@pytest.mark.parametrize(
    ("layer", "masks", "expected"),
    [
        ("Multiply", (YES, NO), 2.0),
        ("Multiply", (NO, YES), 3.0),
        ("Multiply", (NO, NO), 0.0),
        ("Multiply", (NO, None), 3.0),
        ("Maximum", (YES, NO), 2.0),
        ("Maximum", (NO, NO), 2.0),
        ("Maximum", (NO, YES), 3.0),
        ("Minimum", (NO, YES), 3.0),
        ("Minimum", (None, NO), 2.0),
        ("Add", (NO, YES), 5.0),
    ],
)
def test_masked_entries_do_not_take_part(layer: str, masks: tuple[Array | None, ...], expected: float) -> None:
    answer = output(layer, np.full((1, 2, 1), 2.0), np.full((1, 2, 1), 3.0), masks=masks)
    np.testing.assert_array_equal(answer, np.full((1, 2, 1), expected))


def test_what_a_mask_means_for_inputs_of_different_ranks_is_undefined() -> None:
    with pytest.raises(Undefined, match="masked inputs with different numbers of axes"):
        output("Multiply", np.ones((1, 2, 1)), np.ones((1, 1)), masks=(YES, None))
    with pytest.raises(Undefined, match=r"a mask of shape \(1, 2\) for an input of shape \(1, 2, 1, 1\)"):
        output("Maximum", np.ones((1, 2, 1, 1)), np.ones((1, 2, 1, 1)), masks=(YES, None))


def test_the_maximum_of_what_is_not_a_number_is_undefined() -> None:
    with pytest.raises(Undefined, match="Maximum of inputs that are not a number"):
        output("Maximum", np.array([[np.nan]]), np.array([[1.0]]))


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_concatenate_joins_along_its_axis(axis: int) -> None:
    np.testing.assert_array_equal(output("Concatenate", *INPUTS, axis=axis), onnx_operator("Concat", *INPUTS, axis=axis)[0])


@pytest.mark.parametrize(
    ("axes", "first", "second", "sums"),
    [
        ((1, 2), (2, 3, 5), (2, 10, 3), "bki,bjk->bij"),
        (-1, (2, 3, 4), (2, 5, 4), "bik,bjk->bij"),
        ((2, 1), (2, 3, 4), (2, 4), "bik,bk->bi"),
        ((1, 1), (2, 4), (2, 4, 3), "bk,bkj->bj"),
        ((1, 3), (2, 5, 3), (2, 4, 6, 5), "bki,bjlk->bijl"),
    ],
)
def test_dot_sums_over_one_axis_of_each_input(axes: Any, first: Any, second: Any, sums: str) -> None:
    x, y = DRAW.normal(size=first), DRAW.normal(size=second)
    np.testing.assert_allclose(output("Dot", x, y, axes=axes, normalize=False), np.einsum(sums, x, y), rtol=1e-13)


def test_dot_of_two_vectors_has_a_last_axis_of_one() -> None:
    x, y = np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([[3.0, 4.0], [5.0, 0.0]])
    np.testing.assert_array_equal(output("Dot", x, y, axes=1, normalize=False), [[11.0], [0.0]])


def test_dot_normalized_is_the_cosine_and_zero_for_a_zero_vector() -> None:
    x, y = np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([[4.0, 3.0], [1.0, 0.0]])
    np.testing.assert_allclose(output("Dot", x, y, axes=1, normalize=True), [[24.0 / 25.0], [0.0]], rtol=1e-15)


def test_dot_divides_by_the_epsilon_of_keras_where_a_norm_is_smaller() -> None:
    answer = output("Dot", np.array([[1e-9]]), np.array([[1.0]]), axes=1, normalize=True)
    np.testing.assert_allclose(answer, [[1e-2]])
