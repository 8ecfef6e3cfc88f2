"""Runs cases everywhere, and loses none: a case that takes its process with it is found, and the others run without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from suite.artifacts import names
from suite.artifacts.artifact import Arrays
from suite.artifacts.reading import record as read_record
from suite.artifacts.store import Store
from suite.records import Job, Outcome, Status
from suite.records.zoo import Case, Reading, Readings
from suite.zoo import chunks


class Engine(Protocol):
    """What runs jobs."""

    def run(self, jobs: Sequence[Job]) -> Mapping[str, Outcome]:
        """How each job ended, by its id."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One case on one environment in one precision. `arrays`: by their names in `suite.artifacts.names`."""

    case: Case
    environment: str
    precision: str
    reading: Reading
    arrays: Arrays


def run(engine: Engine, store: Store, jobs: Sequence[Job], *, again: bool = False) -> list[Recorded]:
    """Every case of every job, in their order. What is complete in the run folder is not run, unless `again`.

    A job that died is split until the case that it dies of is alone; that case is unsupported, with what killed it as the
    reason.
    """
    found: list[Recorded] = []
    waiting = list(jobs)
    while waiting:
        ended = _run(engine, store, waiting, again=again)
        split: list[Job] = []
        for job in waiting:
            outcome = ended.get(job.id)
            if outcome is None or outcome.status is Status.COMPLETE:
                found += read(store, job)
            elif smaller := chunks.split(job, store):
                split += smaller
            else:
                found += _lost(job, outcome)
        waiting, again = split, True
    return found


def _run(engine: Engine, store: Store, jobs: Sequence[Job], *, again: bool) -> Mapping[str, Outcome]:
    artifacts = {job.id: store.zoo(job.environment.name, job.precision, job.chunk) for job in jobs}
    to_run = [job for job in jobs if again or not artifacts[job.id].complete(job.digest)]
    for job in to_run:
        artifacts[job.id].discard()
    return engine.run(to_run) if to_run else {}


def read(store: Store, job: Job) -> Iterator[Recorded]:
    """What a job that completed left."""
    artifact = store.zoo(job.environment.name, job.precision, job.chunk)
    readings = read_record(artifact.file(names.READINGS), Readings).readings
    arrays = artifact.arrays(names.CASES)
    for case, reading in zip(job.cases, readings, strict=True):
        prefix = names.of_case(case.id, "")
        own = {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
        yield Recorded(case=case, environment=job.environment.name, precision=job.precision, reading=reading, arrays=own)


def _lost(job: Job, outcome: Outcome) -> list[Recorded]:
    return [
        Recorded(
            case=case,
            environment=job.environment.name,
            precision=job.precision,
            reading=Reading(case=case.id, status=Status.FAILED, reason=f"its process ended: {outcome.reason}"),
            arrays={},
        )
        for case in job.cases
    ]
