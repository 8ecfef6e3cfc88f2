"""How long the jobs take that are left, from those like them that have ended."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from suite.records import Job


class Estimate:
    """What was measured so far: the mean seconds of jobs that are alike, in every sense from narrow to wide."""

    def __init__(self) -> None:
        self._measured: dict[Hashable, tuple[float, int]] = {}

    def learn(self, job: Job, seconds: float) -> None:
        for sense in _senses(job):
            total, count = self._measured.get(sense, (0.0, 0))
            self._measured[sense] = total + seconds, count + 1

    def seconds(self, jobs: Iterable[Job]) -> float:
        """How long these take, one after the other; 0 if nothing was measured."""
        return sum(self._of(job) for job in jobs)

    def _of(self, job: Job) -> float:
        """The mean in the narrowest sense in which one was measured."""
        found = (self._measured[sense] for sense in _senses(job) if sense in self._measured)
        total, count = next(found, (0.0, 1))
        return total / count


def _senses(job: Job) -> Iterator[Hashable]:
    """In which jobs are alike, from narrow to wide. What a model costs shows in its other runs; what a backend and a
    strategy cost, in other models."""
    where, what = (job.environment.name, job.strategy, job.devices), (job.kind, job.precision, len(job.runs))
    yield job.scenario, where, what
    yield job.scenario, job.strategy, job.devices, what
    yield where, what
    yield job.environment.name, job.kind
    yield job.kind
    yield ()
