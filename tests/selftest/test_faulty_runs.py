"""What an injected fault changes on the way from plan to results: its pairs, its oracle, its reloading."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from suite.artifacts.store import Store
from suite.compare.run_folder import RunFolder
from suite.plan import planning
from suite.plan.jobs import Jobs
from suite.records import (
    ORACLE,
    Configuration,
    Emulation,
    Environment,
    FoundScenario,
    Options,
    Plan,
    Provisioned,
    Run,
    Scenario,
    Semantics,
    Session,
    Source,
    plain,
)
from suite.results.judging import Judging

CLEAN = Configuration(scenario="s", environment="torch", strategy="torch_ddp", devices=2)
FAULTY = replace(CLEAN, fault="bn-bessel")
ELSEWHERE = replace(CLEAN, environment="jax", strategy="jax_data_parallel")


def planned(*runs: Run) -> Plan:
    return Plan(runs=runs, refused=(), options=Options(), digest="d")


def test_a_fault_is_compared_with_the_same_configuration_without_it_and_with_nothing_else(tmp_path: Path) -> None:
    everything = (CLEAN, FAULTY, replace(CLEAN, fault="nesterov"), ELSEWHERE, replace(ELSEWHERE, fault="bn-bessel"))
    session = Session(environments=(), scenarios=(), broken=(), declared={})
    found = Judging(RunFolder(Store(tmp_path), planned(*map(plain, everything)), session))
    assert [(a.id, b.id) for a, b in found.pairs()] == [
        ("s/torch/torch_ddp-x2", "s/torch/torch_ddp+bn-bessel-x2"),
        ("s/torch/torch_ddp-x2", "s/torch/torch_ddp+nesterov-x2"),
        ("s/torch/torch_ddp-x2", "s/jax/jax_data_parallel-x2"),
        ("s/jax/jax_data_parallel-x2", "s/jax/jax_data_parallel+bn-bessel-x2"),
    ]


def test_a_fault_has_the_oracle_of_what_is_declared(tmp_path: Path) -> None:
    declared = Semantics(batch_statistics="per replica")
    oracle = planning.oracle("s", "torch", 2, Emulation(semantics=declared))
    other = planning.oracle("s", "jax", 2, Emulation())
    session = Session(
        environments=(),
        scenarios=(),
        broken=(),
        declared={CLEAN.id: declared, FAULTY.id: declared, ELSEWHERE.id: Semantics()},
    )
    folder = RunFolder(Store(tmp_path), planned(other, oracle, plain(FAULTY), plain(ELSEWHERE)), session)
    assert folder.oracle_of(FAULTY) == folder.oracle_of(CLEAN) == oracle
    assert folder.oracle_of(ELSEWHERE) == other
    assert oracle.configuration.strategy == ORACLE


def test_a_file_with_a_fault_is_loaded_at_home_only(tmp_path: Path) -> None:
    def nothing() -> None:
        raise AssertionError("nothing runs here")

    scenario = Scenario(name="s", description="s", model=nothing, data=nothing, optimizer=nothing, loss="mse")
    found = FoundScenario(scenario=scenario, source=Source(kind="file", location="s.py"), digest="d")
    environments = {
        name: Provisioned(environment=Environment(name=name, backend=name), python="python", digest=name)
        for name in ("torch", "jax")
    }
    runs = planned(plain(CLEAN), plain(FAULTY), plain(ELSEWHERE))
    jobs = Jobs(Store(tmp_path), runs, [found], environments).first()
    loaded = {job.environment.name: [run.configuration for run in job.runs] for job in jobs if job.kind == "reload"}
    assert loaded == {"torch": [CLEAN, FAULTY, ELSEWHERE], "jax": [CLEAN, ELSEWHERE]}
    assert sum(job.kind == "train" for job in jobs) == 3
