"""How long the jobs take that are left, from those like them that have ended."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from suite.records import Job
from suite.records.measured import Timed, Work, work_of


class Estimate:
    """What was measured so far: the mean seconds of jobs that are alike, in every sense from narrow to wide."""

    def __init__(self) -> None:
        self._measured: dict[Hashable, tuple[float, int]] = {}

    def learn(self, job: Job, seconds: float) -> None:
        self.take(Timed(work=work_of(job), seconds=seconds))

    def take(self, timed: Timed) -> None:
        """As `learn`, of what was measured before."""
        seconds = timed.seconds
        for sense in _senses(timed.work):
            total, count = self._measured.get(sense, (0.0, 0))
            self._measured[sense] = total + seconds, count + 1

    def seconds(self, jobs: Iterable[Job]) -> float:
        """How long these take, one after the other; 0 if nothing was measured."""
        return sum(self._of(job) for job in jobs)

    def knows(self, job: Job) -> bool:
        """Whether something was measured of its scenario; of a job without one, of its kind."""
        return (job.scenario, job.kind) in self._measured

    def _of(self, job: Job) -> float:
        """The mean in the narrowest sense in which one was measured."""
        found = (self._measured[sense] for sense in _senses(work_of(job)) if sense in self._measured)
        total, count = next(found, (0.0, 1))
        return total / count


def _senses(work: Work) -> Iterator[Hashable]:
    """In which jobs are alike, from narrow to wide. What a model costs shows in its other runs; what a backend and a
    strategy cost, in other models."""
    where, what = (work.environment, work.strategy, work.devices), (work.kind, work.precision, work.runs)
    yield work.scenario, where, what
    yield work.scenario, work.strategy, work.devices, what
    yield where, what
    yield work.scenario, work.kind
    yield work.environment, work.kind
    yield work.kind
    yield ()
