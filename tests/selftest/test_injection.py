"""Faults, as far as they need no framework: the order of rows, and that an unknown one is refused."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from suite.records import Configuration, Data, Environment, Job, Options, Run, Scenario
from suite.runner import training
from suite.selftest import injection
from suite.selftest.injection import rows
from suite.selftest.injection.site import Site


def site(replicas: int, variation: str = "plain") -> Site:
    def nothing() -> None:
        raise AssertionError("no fault builds a model here")

    def data() -> Data:
        raise AssertionError("no fault makes data")

    configuration = Configuration(scenario="s", environment="jax", strategy="jax_data_parallel", devices=replicas)
    environment = Environment(name="jax", backend="jax")
    job = Job(
        kind="train",
        run_folder="run",
        environment=environment,
        options=Options(),
        runs=(Run(configuration=configuration, variation=variation),),
    )
    scenario = Scenario(name="s", description="s", model=nothing, data=data, optimizer=nothing, loss="mse")
    return Site(job=job, drive=SimpleNamespace(devices=replicas), scenario=scenario)


ORDER = np.arange(12).reshape(2, 6)


def test_strided_shards_take_every_second_row() -> None:
    assert rows._strided(ORDER, site(2)).tolist() == [[0, 2, 4, 1, 3, 5], [6, 8, 10, 7, 9, 11]]


def test_a_repeated_shard_is_on_every_replica() -> None:
    assert rows._first_repeated(ORDER, site(2)).tolist() == [[0, 1, 2, 0, 1, 2], [6, 7, 8, 6, 7, 8]]
    assert rows._first_repeated(ORDER, site(3)).tolist() == [[0, 1, 0, 1, 0, 1], [6, 7, 6, 7, 6, 7]]


def test_a_single_step_has_no_order_of_batches() -> None:
    backwards = rows._when_several(lambda order: order[::-1])
    assert backwards(ORDER, site(1)).tolist() == ORDER[::-1].tolist()
    assert backwards(ORDER[:1], site(1)).tolist() == ORDER[:1].tolist()


@pytest.mark.parametrize(
    ("path", "name", "wanted"),
    [
        ("dense_1/kernel", "dense_1/kernel", True),
        ("model/dense_1/kernel", "dense_1/kernel", True),
        ("einsum_dense_1/kernel", "dense_1/kernel", False),
        ("dense_1/bias", "dense_1/kernel", False),
    ],
)
def test_a_tensor_is_known_by_its_whole_name(path: str, name: str, wanted: bool) -> None:
    assert Site.is_named(SimpleNamespace(path=path), name) is wanted


def test_a_fault_may_be_about_one_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Site] = []
    monkeypatch.setitem(injection.INJECTIONS, "gradient-cut", found.append)
    injection.inject("gradient-cut@dense_1", site(1).job, site(1).drive, site(1).scenario)
    assert [one.target for one in found] == ["dense_1"]


@pytest.mark.parametrize(
    ("kind", "own", "backends", "wanted"),
    [
        ("train", "", "", []),
        ("train", "nesterov", "", ["nesterov"]),
        ("train", "", "bias-again@dense_1", ["bias-again@dense_1"]),
        ("reload", "nesterov", "", []),  # its file is wrong, or right; loading it is right
        ("reload", "nesterov", "bias-again@dense_1", ["bias-again@dense_1"]),
    ],
)
def test_a_job_has_the_fault_of_its_runs_and_that_of_its_environment(
    kind: str, own: str, backends: str, wanted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    monkeypatch.setattr(injection, "inject", lambda name, *rest: found.append(name))
    one = site(1)
    environment = replace(one.job.environment, faults=(("s", backends), ("t", "nesterov")))
    runs = tuple(replace(run, configuration=replace(run.configuration, fault=own)) for run in one.job.runs)
    job = replace(one.job, kind=kind, environment=environment, runs=runs)
    training.inject_faults(job, one.drive, one.scenario)
    assert found == wanted


def test_an_unknown_fault_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no fault 'bn-everything'; there are activation-leaky, "):
        injection.inject("bn-everything", site(1).job, site(1).drive, site(1).scenario)


@pytest.mark.parametrize(("variation", "single_step"), [("plain", False), ("single-step", True)])
def test_a_site_knows_that_it_is_single_step(variation: str, single_step: bool) -> None:
    assert site(1, variation).single_step is single_step
