"""Inputs that are rounded otherwise: what moves, how far, and what has to stay."""

from __future__ import annotations

import numpy as np
import pytest

from suite.records import PERMUTED, Configuration, Run
from suite.runner import rerounding

RERUN = Run(
    configuration=Configuration(scenario="s", environment="a", strategy="single", devices=1),
    variation="permuted",
    index=PERMUTED + 1,
)
VALUES = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)


@pytest.mark.parametrize("name", ["x", "x/image", "x/[0]", "predict", "predict/(1)", "validation_x", "evaluate_x/image"])
def test_about_half_of_what_goes_in_moves_by_one_unit_away_from_zero(name: str) -> None:
    found = rerounding.inputs({name: VALUES}, RERUN, 0)[name]
    moved = found != VALUES
    assert 0.3 < moved.mean() < 0.7 and found.dtype == np.float32
    assert np.array_equal(np.abs(found[moved]), np.abs(VALUES[moved]) + np.spacing(np.abs(VALUES[moved])))
    assert np.array_equal(np.sign(found), np.sign(VALUES))


def test_wider_floats_move_by_as_much() -> None:
    wide = VALUES.astype(np.float64)
    found = rerounding.inputs({"x": wide}, RERUN, 0)["x"]
    assert found.dtype == np.float64 and 0 < np.abs(found - wide).max() <= np.spacing(np.abs(VALUES)).max()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("x", np.arange(6)),
        ("x", np.arange(6, dtype=np.float32)),  # places in a table
        ("x", np.array(["a", "b"])),
        ("x", np.zeros((2, 2), np.float32)),
        ("x", np.full(3, np.nan, np.float32)),
        ("y", VALUES),
        ("sample_weight", VALUES),
        ("evaluate_y", VALUES),
    ],
)
def test_all_else_stays(name: str, values: np.ndarray) -> None:
    found = rerounding.inputs({name: values}, RERUN, 0)[name]
    assert found.dtype == values.dtype and found.tobytes() == values.tobytes()


def test_what_is_not_finite_and_what_is_zero_stay_beside_what_moves() -> None:
    values = np.concatenate([VALUES.ravel(), np.array([0.0, np.inf, np.nan], np.float32)])
    found = rerounding.inputs({"x": values}, RERUN, 0)["x"]
    assert found[-3:].tobytes() == values[-3:].tobytes() and not np.array_equal(found[:-3], values[:-3])


def test_each_rerun_moves_others_and_only_those_that_were_asked_for_do() -> None:
    runs = [Run(configuration=RERUN.configuration, variation="permuted", index=index) for index in range(1, PERMUTED + 3)]
    assert [run.rounds_inputs for run in runs] == [False] * PERMUTED + [True, True]
    assert not Run(configuration=RERUN.configuration, variation="permuted", precision="float64", index=9).rounds_inputs
    first, second = (rerounding.inputs({"x": VALUES}, run, 0)["x"] for run in runs[-2:])
    assert not np.array_equal(first, second)
