"""Ranks, masks, weights and reductions: small cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from suite.referee.definition import Array, Undefined
from suite.referee.losses.reduction import Values, reduced, same_rank

EACH = np.array([[1.0, 2, 3], [4, 5, 6]])
MASK = np.array([[True, True, False], [True, False, False]])


def value(reduction: str | None, weight: object = None, mask: Array | None = None, counted: Array | None = None) -> float:
    values = Values(each=EACH, counted=counted)
    return float(reduced(values, None if weight is None else np.asarray(weight), mask, reduction))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((4,), (4, 1), ((4, 1), (4, 1))),
        ((4, 1), (4,), ((4, 1), (4, 1))),
        ((4, 3, 1), (4, 3), ((4, 3), (4, 3))),
        ((4, 3), (4, 3, 1), ((4, 3), (4, 3))),
        ((4,), (4, 3), ((4,), (4, 3))),
        ((4, 3), (4, 3), ((4, 3), (4, 3))),
        ((), (1,), ((), ())),
    ],
)
def test_ranks(first: tuple[int, ...], second: tuple[int, ...], expected: tuple[tuple[int, ...], ...]) -> None:
    assert tuple(array.shape for array in same_rank(np.zeros(first), np.zeros(second))) == expected


@pytest.mark.parametrize(
    ("reduction", "expected"), [("sum", 21), ("mean", 3.5), ("sum_over_batch_size", 3.5), ("mean_with_sample_weight", 3.5)]
)
def test_without_weights(reduction: str, expected: float) -> None:
    assert value(reduction) == expected


@pytest.mark.parametrize("weight", [[2.0, 0.5], [[2.0], [0.5]], [[2.0, 2, 2], [0.5, 0.5, 0.5]]])
def test_a_weight_for_each_row_is_one_for_each_of_its_values(weight: object) -> None:
    assert value("sum", weight) == 2 * 6 + 0.5 * 15
    assert value("mean", weight) == (2 * 6 + 0.5 * 15) / 6
    assert value("mean_with_sample_weight", weight) == (2 * 6 + 0.5 * 15) / np.asarray(weight).sum()


def test_a_mask_leaves_values_out_of_the_mean() -> None:
    assert value("sum", mask=MASK) == 1 + 2 + 4
    assert value("mean", mask=MASK) == pytest.approx(7 / 3)
    assert value("mean_with_sample_weight", mask=MASK) == pytest.approx(7 / 3)
    assert value("mean", mask=np.array([False, True])) == 5
    assert value("mean", mask=np.zeros((2, 3), dtype=bool)) == 0


def test_weights_of_what_counts_change_no_denominator_of_a_mean() -> None:
    weight = [[1.0, 3, 100], [2, 100, 100]]
    assert value("sum", weight, MASK) == 1 + 6 + 8
    assert value("mean", weight, MASK) == pytest.approx(15 / 3)
    assert value("mean_with_sample_weight", weight, MASK) == pytest.approx(15 / 6)
    assert value("mean", [1.0, 0.5], MASK) == pytest.approx((1 + 2 + 2) / 3)
    assert value("mean", weight, np.array([True, False])) == pytest.approx((1 + 6 + 300) / 3)


def test_what_the_loss_leaves_out_and_what_the_mask_does_add_up() -> None:
    counted = np.array([[True, False, True], [True, True, True]])
    assert value("mean", mask=MASK, counted=counted) == pytest.approx((1 + 4) / 2)


def test_without_reduction_the_values_are_weighted() -> None:
    result = reduced(Values(each=EACH), np.array([2.0, 1.0]), MASK, None)
    assert result.tolist() == [[2, 4, 0], [4, 0, 0]]
    assert reduced(Values(each=EACH), None, None, "none").tolist() == EACH.tolist()


def test_weights_of_zero_give_zero() -> None:
    assert value("mean_with_sample_weight", [0.0, 0.0]) == 0


def test_one_loss_of_the_whole_batch() -> None:
    whole = Values(each=np.array(3.0))
    assert reduced(whole, None, None, "sum_over_batch_size") == 3
    assert reduced(whole, np.array([1.0, 2.0]), None, "sum_over_batch_size") == 4.5


def test_weights_that_do_not_fit_are_undefined() -> None:
    with pytest.raises(Undefined, match=r"shapes \(2, 3\) and \(3,\) do not fit"):
        value("sum", [1.0, 2, 3])


def test_a_mask_of_steps_for_one_loss_of_a_row_is_undefined() -> None:
    with pytest.raises(Undefined, match=r"mask of shape \(2, 3\) have more dimensions than losses of shape \(2,\)"):
        reduced(Values(each=np.array([1.0, 2.0])), None, MASK, "mean")
