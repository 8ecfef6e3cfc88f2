from __future__ import annotations

from dataclasses import replace

import pytest

from suite.engine.estimate import Estimate
from suite.records import Environment, Job, Options

FAST, SLOW = (Environment(name=name, backend="fake") for name in ("fast", "slow"))
JOB = Job(kind="train", scenario="small", run_folder="", environment=FAST, options=Options(), precision="float32")


def test_nothing_is_known_at_first() -> None:
    assert Estimate().seconds([JOB]) == 0


def test_jobs_that_are_left_take_what_those_like_them_took() -> None:
    """Many short jobs that are done say little of long ones that are left."""
    estimate = Estimate()
    for _ in range(9):
        estimate.learn(replace(JOB, kind="probe"), 1.0)
    estimate.learn(JOB, 60.0)
    assert estimate.seconds([JOB, replace(JOB, kind="probe")]) == 61.0


@pytest.mark.parametrize(
    ("job", "seconds"),
    [
        (JOB, 10.0),
        (replace(JOB, environment=SLOW), 30.0),
        (replace(JOB, environment=SLOW, scenario="large"), 30.0),  # what its environment took of another model
        (replace(JOB, scenario="large", strategy="other"), 10.0),
        (replace(JOB, kind="reload"), 20.0),  # nothing like it has ended
    ],
    ids=["the same", "another environment", "another model", "another strategy", "another kind"],
)  # fmt: skip
def test_the_narrowest_sense_counts_in_which_something_was_measured(job: Job, seconds: float) -> None:
    estimate = Estimate()
    estimate.learn(JOB, 10.0)
    estimate.learn(replace(JOB, environment=SLOW), 30.0)
    assert estimate.seconds([job]) == seconds
