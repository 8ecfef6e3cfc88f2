"""Which jobs a plan becomes: what they need, and where they go on if they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.artifacts.store import Store
from suite.plan import discover, planning
from suite.records import Environment, FoundScenario, Job, Options, Provisioned, Scenario, Source


def nothing() -> None:
    raise AssertionError("nothing runs here")


SCENARIO = FoundScenario(
    scenario=Scenario(name="mine", description="d", model=nothing, data=nothing, optimizer=nothing, loss="mse"),  # type: ignore[arg-type]
    source=Source(kind="file", location="mine.py"),
    digest="d",
)


def provisioned(name: str, reason: str = "") -> Provisioned:
    return Provisioned(environment=Environment(name=name, backend=name), python="python", digest=name, reason=reason)


@pytest.fixture
def jobs(tmp_path: Path) -> list[Job]:
    """Of three environments and one that is not there; the second is the reference."""
    environments = {
        "tensorflow": provisioned("tensorflow"),
        "torch": provisioned("torch"),
        "fake": provisioned("fake", "no network"),
        "jax": provisioned("jax"),
    }
    strategies, _ = discover.strategies()
    plan = planning.plan([SCENARIO], environments, strategies, Options(devices=(1,)))
    return planning.Jobs(Store(tmp_path), plan, [SCENARIO], environments).first()


def test_inputs_are_made_by_any_environment_that_is_there_and_the_reference_is_the_first(jobs: list[Job]) -> None:
    (prepare,) = (job for job in jobs if job.kind == "prepare")
    assert prepare.environment.name == "torch"
    assert [environment.name for environment in prepare.elsewhere] == ["tensorflow", "jax"]


def test_nothing_else_goes_on_elsewhere(jobs: list[Job]) -> None:
    assert all(job.elsewhere == () for job in jobs if job.kind != "prepare")


def test_whatever_reads_the_inputs_needs_them(jobs: list[Job]) -> None:
    reading = [job for job in jobs if job.kind in ("train", "reload")]
    assert {job.kind for job in reading} == {"train", "reload"}
    assert all(job.needs == ("prepare/mine",) for job in reading)
