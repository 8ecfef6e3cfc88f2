"""What a job of an oracle does with several emulations."""

from __future__ import annotations

import pytest

from suite.records import Run, plain
from suite.runner.oracle import jobs
from suite.runner.outcome import Unsupported
from tests.explain.run_folders import configuration

RUNS = tuple(plain(configuration(name)) for name in ("tensorflow", "jax", "torch"))


def test_one_that_is_refused_does_not_cost_the_others() -> None:
    executed: list[Run] = []

    def one(run: Run) -> None:
        if run is not RUNS[2]:
            raise Unsupported(f"not {run.configuration.environment}")
        executed.append(run)

    with pytest.raises(Unsupported, match="not tensorflow"):
        jobs.execute(RUNS, one)
    assert executed == [RUNS[2]]


def test_an_error_ends_the_job() -> None:
    executed: list[Run] = []

    def one(run: Run) -> None:
        executed.append(run)
        raise ValueError

    with pytest.raises(ValueError):
        jobs.execute(RUNS, one)
    assert executed == [RUNS[0]]


def test_all_are_executed() -> None:
    executed: list[Run] = []
    jobs.execute(RUNS, executed.append)
    assert tuple(executed) == RUNS
