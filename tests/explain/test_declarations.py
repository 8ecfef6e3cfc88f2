"""What strategies declare, and what of that a run can show."""

from __future__ import annotations

import pytest

from suite.explain.declarations import effective, replicas, saved
from suite.records import Place, Semantics

MIRRORED = Semantics(
    batch_statistics="per replica",
    moving_statistics="per replica",
    gradients="sum of replica shares",
    live_predictions="own statistics of each replica",
    saved="first replica",
)


@pytest.mark.parametrize(
    ("statistics", "state", "said"),
    [
        (True, [], {"live predictions": "own statistics of each replica", "saved": "first replica"}),
        (False, [], {"live evaluation": "sum of replica shares"}),
        (False, ["center/mean"], {"live state": "each replica's own", "saved": "first replica", "state": "center/mean"}),
        (
            True,
            ["a", "b", "c"],
            {"live state": "each replica's own", "saved": "first replica", "state": "moving statistics, a, b …"},
        ),
    ],
)
def test_a_file_differs_by_what_replicas_have_of_their_own(statistics: bool, state: list[str], said: dict[str, str]) -> None:
    assert saved(MIRRORED, statistics, state) == said


def test_replicas_differ_in_other_state_only_where_it_is_each_ones_own() -> None:
    assert replicas(MIRRORED, "moving statistics", []) == {"moving statistics": "per replica"}
    assert replicas(MIRRORED, "other state", ["center/mean"]) == {"own state": "per replica", "state": "center/mean"}
    assert replicas(MIRRORED, "other state", []) == {}


def test_one_device_declares_no_difference_within_a_run() -> None:
    assert saved(Semantics(), True, ["a"]) == replicas(Semantics(), "other state", ["a"]) == {}


def begins(stage: str, tensor: str) -> Place:
    return Place(stage=stage, tensor=tensor, state="0", size=0.1, ratio=1e9)


@pytest.mark.parametrize(
    ("place", "normalizing", "said"),
    [
        (begins("forward", "center"), [], {"layer": "center", "rows": "each replica's own"}),
        (begins("forward", "center#1"), ["norm"], {"layer": "center", "rows": "each replica's own"}),
        (begins("loss", "loss"), ["norm"], {"gradients": "sum of replica shares"}),
        (begins("gradient", "dense/kernel"), [], {"gradients": "sum of replica shares"}),
        (None, [], {"gradients": "sum of replica shares"}),
    ],
)
def test_the_place_decides_what_of_a_declaration_makes_a_difference(
    place: Place | None, normalizing: list[str], said: dict[str, str]
) -> None:
    assert effective(MIRRORED, place, normalizing) == said


@pytest.mark.parametrize(
    "place",
    [begins("batch statistics", "block/norm/moving_mean"), begins("forward", "block/norm"), begins("forward", "block")],
)
def test_a_difference_that_begins_in_a_batch_normalization_is_one_of_statistics(place: Place) -> None:
    found = effective(MIRRORED, place, ["block/norm"])
    assert found["batch statistics"] == "per replica"
    assert "gradients" not in found
