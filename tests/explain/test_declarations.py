"""What strategies declare, and what of that a run can show."""

from __future__ import annotations

import pytest

from suite.explain.declarations import within
from suite.records import Semantics

MIRRORED = Semantics(
    batch_statistics="per replica",
    moving_statistics="per replica",
    gradients="sum of replica shares",
    live_predictions="own statistics of each replica",
    saved="first replica",
)


@pytest.mark.parametrize(
    ("normalizes", "said"),
    [
        (True, {"live predictions": "own statistics of each replica", "saved": "first replica"}),
        (False, {"live evaluation": "sum of replica shares"}),
    ],
)
def test_a_file_differs_by_statistics_only_where_the_model_has_some(normalizes: bool, said: dict[str, str]) -> None:
    assert within(MIRRORED, "saved", normalizes) == said


def test_one_device_declares_no_difference_within_a_run() -> None:
    assert within(Semantics(), "saved") == within(Semantics(), "replica") == {}
