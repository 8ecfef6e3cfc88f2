"""Definitions of functions of `keras.ops`: how a call is read. What they compute is held against the backends themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suite.referee import layers
from suite.referee.definition import Call, Undefined
from suite.referee.layers.operations import PREFIX

X = np.arange(6.0).reshape(2, 3)


def outputs(name: str, *inputs: np.ndarray, **arguments: Any) -> tuple[np.ndarray, ...]:
    return layers.call(Call(layer=PREFIX + name, config={}, inputs=inputs, arguments=arguments)).outputs


def test_tensors_stand_at_their_places_and_lists_are_tuples() -> None:
    (found,) = outputs("subtract", X, X + 2, x1={"input": 1}, x2={"input": 0})
    assert np.array_equal(found, np.full((2, 3), 2.0))
    assert np.array_equal(outputs("sum", X, x={"input": 0}, axis=[0, 1])[0], 15.0)
    assert np.array_equal(outputs("concatenate", X, X, xs=[{"input": 0}, {"input": 1}], axis=1)[0], np.hstack([X, X]))
    assert np.array_equal(outputs("multiply", X, x1={"input": 0}, x2=2.0)[0], 2 * X)


def test_an_option_that_is_none_was_not_given() -> None:
    assert outputs("max", X, x={"input": 0}, axis=None, keepdims=False, initial=None)[0] == 5.0


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("sum", {"x": {"input": 0}, "dtype": "float16"}, "keras.ops.sum with dtype"),
        ("where", {"condition": {"input": 0}}, "keras.ops.where without x1, x2"),
        ("image.resize", {"images": {"input": 0}}, "no independent definition of keras.ops.image.resize"),
    ],
)
def test_what_numpy_does_not_define_is_undefined(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(Undefined, match=message):
        outputs(name, X, **arguments)


def test_of_two_updates_of_one_place_the_later_stays() -> None:
    places, updates = np.array([[0], [1], [1]]), np.array([[1.0] * 3, [2.0] * 3, [3.0] * 3])
    given = {"inputs": {"input": 0}, "indices": {"input": 1}, "updates": {"input": 2}}
    (found,) = outputs("scatter_update", X, places, updates, **given)
    assert np.array_equal(found, [[1.0] * 3, [3.0] * 3])
    (added,) = outputs("scatter_update", X, places, updates, **given, reduction="add")
    assert np.array_equal(added, X + np.array([[1.0], [5.0]]))
    with pytest.raises(Undefined, match="indices of 3 axes"):
        outputs("scatter_update", X, places[None], updates, **given)
    with pytest.raises(Undefined, match="reduction mean"):
        outputs("scatter_update", X, places, updates, **given, reduction="mean")


def test_rows_are_added_by_segment_and_slices_begin_at_their_places() -> None:
    rows = {"data": {"input": 0}, "segment_ids": {"input": 1}}
    assert np.array_equal(outputs("segment_sum", X, np.array([2, 2]), **rows)[0], [[0.0] * 3, [0.0] * 3, X.sum(0)])
    with pytest.raises(Undefined, match="out of range"):
        outputs("segment_sum", X, np.array([-1, 0]), **rows)
    with pytest.raises(Undefined, match="out of range"):
        outputs("segment_sum", X, np.array([2, 0]), **rows, num_segments=2)
    (sliced,) = outputs("slice_update", X, np.ones((1, 2)), inputs={"input": 0}, start_indices=[1, 0], updates={"input": 1})
    assert np.array_equal(sliced, [[0.0, 1.0, 2.0], [1.0, 1.0, 5.0]])


def test_the_logarithm_of_a_sum_of_nothing_is_minus_infinity() -> None:
    nothing = np.array([[-np.inf, -np.inf], [0.0, -np.inf]])
    assert np.array_equal(outputs("logsumexp", nothing, x={"input": 0}, axis=1)[0], [-np.inf, 0.0])


def test_gelu_is_approximate_unless_asked_otherwise() -> None:
    near, exact = outputs("gelu", X, x={"input": 0})[0], outputs("gelu", X, x={"input": 0}, approximate=False)[0]
    assert 1e-5 < np.abs(near - exact).max() < 1e-3
