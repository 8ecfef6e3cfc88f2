"""Which jobs a plan becomes: what they need, and where they go on if they fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.artifacts.store import Store
from suite.plan import discover, planning
from suite.plan.jobs import Jobs
from suite.records import Environment, FoundScenario, Job, Options, Provisioned, Scenario, Source, Status


def nothing() -> None:
    raise AssertionError("nothing runs here")


SCENARIO = FoundScenario(
    scenario=Scenario(name="mine", description="d", model=nothing, data=nothing, optimizer=nothing, loss="mse"),
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
    return Jobs(Store(tmp_path), plan, [SCENARIO], environments).first()


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


def refused(backend: str, *, gpus: int = 1, **options: Any) -> set[tuple[Status, str]]:
    """Why configurations of two devices cannot run on a machine with this many GPUs."""
    strategies, _ = discover.strategies()
    environment = Provisioned(environment=Environment(name=f"{backend}@gpu", backend=backend), python="python")
    asked = Options(device="gpu", devices=(1, 2), **options)
    plan = planning.plan([SCENARIO], {environment.environment.name: environment}, strategies, asked, gpus=gpus)
    assert all(run.configuration.devices == 2 for run, _, _ in plan.refused)
    return {(status, reason) for _, status, reason in plan.refused}


INSTEAD = "choose --environment {}@cpu, which has 2 devices on the CPU"


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_too_few_gpus_are_named_with_what_runs_in_their_place(backend: str) -> None:
    virtual = "or give --virtual-devices, which puts 2 on one GPU"
    assert refused(backend) == {(Status.NO_DEVICES, f"needs 2 GPUs, 1 is there: {INSTEAD.format(backend)}, {virtual}")}
    assert refused(backend, virtual_devices=True) == set()
    assert refused(backend, gpus=2) == set()


def test_runs_on_parts_of_a_gpu_are_not_reused_as_runs_on_several(tmp_path: Path) -> None:
    strategies, _ = discover.strategies()
    digests = set()
    for virtual in (True, False):
        chosen = {"torch": provisioned("torch")}
        options = Options(device="gpu", devices=(2,), virtual_devices=virtual)
        plan = planning.plan([SCENARIO], chosen, strategies, options, gpus=2)
        digests.add(Jobs(Store(tmp_path), plan, [SCENARIO], chosen).digest(plan.runs[0]))
    assert len(digests) == 2


def test_jax_cannot_divide_a_gpu() -> None:
    assert refused("jax") == {(Status.NO_DEVICES, f"needs 2 GPUs, 1 is there: {INSTEAD.format('jax')}")}
    why = f"needs 2 GPUs, 1 is there, and jax cannot have several devices on one GPU: {INSTEAD.format('jax')}"
    assert refused("jax", virtual_devices=True) == {(Status.UNSUPPORTED, why)}


def test_a_job_runs_on_its_environments_device(tmp_path: Path) -> None:
    chosen = {
        name: Provisioned(environment=Environment(name=name, backend="torch", device=device), python="python", digest="d")
        for name, device in (("torch", "gpu"), ("torch@cpu", "cpu"))
    }
    strategies, _ = discover.strategies()
    plan = planning.plan([SCENARIO], chosen, strategies, Options(device="gpu", devices=(1,)), gpus=1)
    made = Jobs(Store(tmp_path), plan, [SCENARIO], chosen).first()
    assert {(job.environment.name, job.options.device) for job in made} == {("torch", "gpu"), ("torch@cpu", "cpu")}
    (prepare,) = (job for job in made if job.kind == "prepare")
    assert prepare.moved(prepare.elsewhere[0]).options.device == "cpu"


def test_a_gpu_is_missed_only_where_one_is_wanted() -> None:
    chosen = {
        name: Provisioned(environment=Environment(name=name, backend="torch", device=device), python="python", digest="d")
        for name, device in (("torch", "gpu"), ("torch@cpu", "cpu"))
    }
    strategies, _ = discover.strategies()
    plan = planning.plan([SCENARIO], chosen, strategies, Options(device="gpu", devices=(1, 2)), gpus=1)
    assert {(run.configuration.environment, run.configuration.devices) for run, _, _ in plan.refused} == {("torch", 2)}


def test_what_changes_numbers_changes_the_digest_of_a_run(tmp_path: Path) -> None:
    strategies, _ = discover.strategies()
    digests = set()
    for device, precision, deterministic in (
        ("gpu", "default", False), ("cpu", "default", False), ("gpu", "exact", False), ("gpu", "default", True),
    ):  # fmt: skip
        one = Environment(name="torch", backend="torch", device=device, precision=precision, deterministic=deterministic)
        chosen = {"torch": Provisioned(environment=one, python="python", digest="d")}
        plan = planning.plan([SCENARIO], chosen, strategies, Options(devices=(1,)), gpus=1)
        digests.add(Jobs(Store(tmp_path), plan, [SCENARIO], chosen).digest(plan.runs[0]))
    assert len(digests) == 4


@pytest.mark.parametrize("asked", [True, False])
def test_strategies_over_hosts_are_planned_where_that_was_asked_for(asked: bool) -> None:
    strategies, _ = discover.strategies()
    chosen = {name: provisioned(name) for name in ("tensorflow", "jax", "torch")}
    plan = planning.plan([SCENARIO], chosen, strategies, Options(devices=(1, 2), over_hosts=asked))
    over_hosts = {
        (run.configuration.environment, run.configuration.strategy, run.configuration.devices)
        for run in plan.runs
        if strategies[run.configuration.strategy].over_hosts
    }
    every = {("tensorflow", "tf_mirrored_hosts", 2), ("jax", "jax_data_parallel_hosts", 2), ("torch", "torch_ddp_hosts", 2)}
    assert over_hosts == (every if asked else set())
    emulated = {run.id for run in plan.runs if run.emulates}
    same = planning.plan([SCENARIO], chosen, strategies, Options(devices=(1, 2)))
    assert emulated == {run.id for run in same.runs if run.emulates}, "they declare what those on one machine declare"


@pytest.mark.parametrize(("loss", "shared"), [("mse", set()), (nothing, {"tensorflow"})])
def test_what_the_second_environment_declares_for_losses_is_emulated_in_the_first_too(loss: Any, shared: set[str]) -> None:
    """A loss that is given by its name is a mean: both declare the same then."""
    strategies, _ = discover.strategies()
    chosen = {name: provisioned(name) for name in ("tensorflow", "jax", "torch")}
    found = replace(SCENARIO, scenario=replace(SCENARIO.scenario, loss=loss))
    plan = planning.plan([found], chosen, strategies, Options(devices=(1, 2)))
    emulated = [run for run in plan.runs if run.emulates and run.configuration.devices == 2]
    of_torch = strategies["torch_ddp"].semantics(found.scenario, 2)
    there = {run.configuration.environment for run in emulated if run.emulates and run.emulates.semantics == of_torch}
    assert there == {"tensorflow", "torch"}
    assert len(emulated) == 3 + len(shared)
