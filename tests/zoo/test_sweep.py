"""No case is lost: a job that dies is split until the case that it dies of is alone. With an engine that runs nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite.artifacts import names
from suite.artifacts.store import Store
from suite.artifacts.writing import write_record
from suite.records import Environment, Job, Manifest, Options, Outcome, Provisioned, Status
from suite.records.zoo import Case, Reading, Readings, Values
from suite.zoo import chunks, sweep

CASES = tuple(Case(kind="layer", name=f"Layer{number}", inputs=(Values(shape=(number + 1,)),)) for number in range(7))
TORCH = Provisioned(environment=Environment(name="torch", backend="torch"), python="python", digest="d")


class Engine:
    """Writes the artifact of each job; dies at cases of these names. `telling`: whether it left word of where it was."""

    def __init__(self, store: Store, *deadly: str, telling: bool = True) -> None:
        self.store, self.deadly, self.telling = store, deadly, telling
        self.ran: list[Job] = []

    def run(self, jobs: Sequence[Job]) -> Mapping[str, Outcome]:
        return {job.id: self._run(job) for job in jobs}

    def _run(self, job: Job) -> Outcome:
        self.ran.append(job)
        artifact = self.store.zoo(job.environment.name, job.precision, job.chunk)
        with_arrays = {names.of_case(case.id, "output/0"): np.ones(2) for case in job.cases}
        artifact.begin(Manifest(run=job.id, status=Status.STARTED, digest=job.digest))
        for case in job.cases:
            if self.telling:
                artifact.place(names.RUNNING).write_text(case.id)
            if case.name in self.deadly:
                return Outcome(job=job.id, status=Status.FAILED, reason="the worker was killed by signal 11")
        artifact.add(names.CASES, with_arrays)
        readings = Readings(readings=tuple(Reading(case=case.id, status=Status.COMPLETE) for case in job.cases))
        write_record(artifact.place(names.READINGS), readings)
        artifact.placed(names.READINGS)
        artifact.finish(Manifest(run=job.id, status=Status.COMPLETE, digest=job.digest))
        return Outcome(job=job.id, status=Status.COMPLETE)


def jobs(store: Store) -> list[Job]:
    return chunks.jobs(store, CASES, {"torch": TORCH}, Options())


def statuses(found: Sequence[sweep.Recorded]) -> dict[tuple[str, str], Status]:
    return {(one.case.name, one.precision): one.reading.status for one in found}


def test_every_case_runs_in_both_precisions_where_there_is_an_environment(tmp_path: Path) -> None:
    store = Store(tmp_path)
    missing = replace(TORCH, environment=Environment(name="jax", backend="jax"), reason="no disk")
    made = chunks.jobs(store, CASES, {"torch": TORCH, "jax": missing}, Options())
    assert [(job.environment.name, job.precision) for job in made] == [("torch", "float32"), ("torch", "float64")]
    found = sweep.run(Engine(store), store, made)
    assert statuses(found) == {
        (case.name, precision): Status.COMPLETE for case in CASES for precision in ("float32", "float64")
    }
    assert all(list(one.arrays) == ["output/0"] for one in found)


def test_many_cases_are_several_jobs_with_ids_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "SIZE", 3)
    made = jobs(Store(tmp_path))
    assert [len(job.cases) for job in made] == [3, 3, 1, 3, 3, 1] and len({job.id for job in made}) == 6


@pytest.mark.parametrize("telling", [True, False])
def test_only_the_case_that_kills_its_process_is_lost(tmp_path: Path, telling: bool) -> None:
    store = Store(tmp_path)
    engine = Engine(store, "Layer3", "Layer6", telling=telling)
    found = statuses(sweep.run(engine, store, jobs(store)))
    lost = {key for key, status in found.items() if status is Status.FAILED}
    assert lost == {(name, precision) for name in ("Layer3", "Layer6") for precision in ("float32", "float64")}
    assert len(found) == 2 * len(CASES)
    assert all(len(job.cases) == 1 for job in engine.ran[-1:])


def test_the_reason_is_that_of_the_process(tmp_path: Path) -> None:
    store = Store(tmp_path)
    found = sweep.run(Engine(store, "Layer0"), store, jobs(store))
    (lost, _) = [one for one in found if one.reading.status is Status.FAILED]
    assert lost.reading.reason == "its process ended: the worker was killed by signal 11" and lost.arrays == {}


def test_what_is_there_is_not_run_again_unless_it_changed_or_is_asked_for(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sweep.run(Engine(store), store, jobs(store))
    second = Engine(store)
    assert len(sweep.run(second, store, jobs(store))) == 2 * len(CASES) and second.ran == []
    sweep.run(second, store, jobs(store), again=True)
    assert len(second.ran) == 2
    changed = Engine(store)
    sweep.run(changed, store, [replace(job, digest="other") for job in jobs(store)])
    assert len(changed.ran) == 2


def test_a_damaged_artifact_is_run_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sweep.run(Engine(store), store, jobs(store))
    next(tmp_path.rglob(names.READINGS)).write_text(json.dumps({"readings": []}))
    engine = Engine(store)
    assert len(sweep.run(engine, store, jobs(store))) == 2 * len(CASES) and len(engine.ran) == 1
