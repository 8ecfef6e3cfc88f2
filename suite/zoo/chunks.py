"""Cases in jobs: enough in each that starting it costs little, and few enough that one that dies costs little."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from suite.artifacts import names, places
from suite.artifacts.store import Store
from suite.artifacts.writing import digest_of
from suite.plan.digests import numerics_of, suite_digest
from suite.records import PRECISIONS, DamagedArtifact, Job, Options, Provisioned
from suite.records.zoo import Case

NAME_BYTES = 4096  # the id of a case has less
SIZE = 80  # about half a minute on the slowest backend


def jobs(store: Store, cases: Sequence[Case], environments: Mapping[str, Provisioned], options: Options) -> list[Job]:
    """One job for each chunk of cases, environment and precision. Environments that could not be made are left out."""
    suite = suite_digest()
    found = [
        Job(
            kind="zoo",
            run_folder=str(store.folder.resolve()),
            environment=environment.environment,
            options=options,
            precision=precision,
            digest=digest_of(suite, environment.digest, numerics_of(environment.environment), options.threads),
            cases=chunk,
        )
        for environment in environments.values()
        if not environment.reason
        for precision in PRECISIONS
        for chunk in _chunks(cases)
    ]
    return [job.moved(job.environment) for job in found]


def _chunks(cases: Sequence[Case]) -> Iterator[tuple[Case, ...]]:
    for start in range(0, len(cases), SIZE):
        yield tuple(cases[start : start + SIZE])


def split(job: Job, store: Store) -> tuple[Job, ...]:
    """The cases of a job that died, in smaller jobs: what came before the case that it was at, that case alone, and the
    rest. Where it was is not known, halves. No jobs at all if it had one case only, which is the culprit."""
    if len(job.cases) < 2:
        return ()
    at = _died_at(job, store)
    parts = (job.cases[:at], job.cases[at : at + 1], job.cases[at + 1 :]) if at is not None else _halves(job.cases)
    return tuple(replace(job, cases=part) for part in parts if part)


def _died_at(job: Job, store: Store) -> int | None:
    try:
        running = store.zoo(job.environment.name, job.precision, job.chunk).place(names.RUNNING)
        case = places.content(running, limit=NAME_BYTES).decode(errors="replace")
    except DamagedArtifact:
        return None
    return next((place for place, one in enumerate(job.cases) if one.id == case), None)


def _halves(cases: tuple[Case, ...]) -> tuple[tuple[Case, ...], ...]:
    middle = len(cases) // 2
    return cases[:middle], cases[middle:]
