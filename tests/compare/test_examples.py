"""The rows whose predictions changed most, and the curves of both sides."""

from __future__ import annotations

import numpy as np
import pytest

from suite.compare import examples


def test_the_rows_that_change_most_come_first_and_equal_ones_never() -> None:
    a = np.full((40, 3), 1 / 3)
    b = a.copy()
    for row in range(8):
        b[row * 5, row % 3] += 0.01 * (row + 1)
    found = examples.changed_rows({"out": a}, {"out": b}, "probabilities")
    assert [(one.row, one.element) for one in found] == [(35, 1), (30, 0), (25, 2), (20, 1), (15, 0)]
    assert [found[0].a, found[0].b] == pytest.approx([1 / 3, 1 / 3 + 0.08])
    assert [one.row for one in examples.changed_rows({"out": a}, {"out": np.where(b > 0.40, b, a)}, "probabilities")] == [
        35,
        30,
    ]
    assert examples.changed_rows({"out": a}, {"out": a}, "probabilities") == ()


@pytest.mark.parametrize("shape", [(6,), (6, 1), (6, 2, 4)])
def test_an_element_is_counted_through_the_whole_row(shape: tuple[int, ...]) -> None:
    a = np.zeros(shape, np.float32)
    b = a.copy()
    b.reshape(6, -1)[4, -1] = 0.5
    (found,) = examples.changed_rows({"out": a}, {"out": b}, "values")
    assert (found.row, found.element, found.a, found.b) == (4, int(np.prod(shape[1:])) - 1, 0.0, 0.5)


def test_logits_are_shown_as_probabilities() -> None:
    (found,) = examples.changed_rows({"out": np.zeros((1, 2))}, {"out": np.array([[0.0, np.log(3.0)]])}, "logits")
    assert [found.a, found.b] == pytest.approx([0.5, 0.25 if found.element == 0 else 0.75])


def test_all_outputs_share_the_places() -> None:
    a = {name: np.zeros((9, 2)) for name in ("first", "second")}
    b = {"first": np.full((9, 2), 0.1), "second": np.full((9, 2), 0.2)}
    assert {one.output for one in examples.changed_rows(a, b, "values")} == {"second"}


def test_nothing_is_shown_of_no_rows() -> None:
    assert examples.changed_rows({"out": np.zeros((0, 3))}, {"out": np.zeros((0, 3))}, "values") == ()


@pytest.mark.parametrize(("steps", "points"), [(2, 2), (20, 20), (25, 25), (1000, 25)])
def test_a_curve_has_its_ends_and_few_points(steps: int, points: int) -> None:
    losses = np.linspace(2.0, 1.0, steps)
    (found,) = examples.curves({"losses": losses}, {"losses": losses + 1})
    assert len(found.at) == len(found.a) == len(found.b) == points
    assert (found.at[0], found.at[-1]) == (1, steps)
    assert (found.a[0], found.a[-1], found.b[-1]) == (2.0, 1.0, 2.0)
    assert all(found.a[place] == losses[step - 1] for place, step in enumerate(found.at))


def test_one_point_is_no_curve() -> None:
    assert examples.curves({"loss": np.ones(1)}, {"loss": np.zeros(1)}) == ()
