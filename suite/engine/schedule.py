"""Which jobs may start, and which never will. No processes, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from suite.records import Job, Outcome, Status

NEEDS = "needs "  # how the reason of a job begins that cannot start
ENDED = {
    Status.FAILED: "failed",
    Status.TIMED_OUT: "timed out",
    Status.UNSUPPORTED: "is unsupported",
    Status.NO_ENVIRONMENT: "has no environment",
    Status.NO_DEVICES: "has no devices",
}


class Schedule:
    """Jobs in the order in which they are to start: those that more jobs wait for first, then those whose needs took
    longer (the model is larger, and what takes longest should not start last), then as given.

    `earlier`: outcomes of jobs that ran before. An id in `needs` or `after` that is in neither counts as satisfied.
    Raises ValueError if two jobs have one id.
    """

    def __init__(self, jobs: Sequence[Job], earlier: Mapping[str, Outcome]) -> None:
        ids = [job.id for job in jobs]
        if twice := sorted({one for one in ids if ids.count(one) > 1}):
            raise ValueError(f"two jobs have the id {twice[0]}: give each run of a configuration one job")
        waited_for = dict.fromkeys(ids, 0)
        for job in jobs:
            for one in {*job.needs, *job.after} & waited_for.keys():
                waited_for[one] += 1
        self.total = len(jobs)
        self._waited_for = waited_for
        self._waiting = {job.id: job for job in sorted(jobs, key=lambda job: -waited_for[job.id])}
        self._open = set(ids)
        self._outcomes = {one: outcome for one, outcome in earlier.items() if one not in self._open}

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        return self._outcomes

    @property
    def left(self) -> int:
        """Jobs that have not ended."""
        return len(self._open)

    def waiting(self) -> list[Job]:
        """Jobs that have not started."""
        return list(self._waiting.values())

    def ready(self) -> list[Job]:
        """Waiting jobs whose needs completed and whose forerunners ended."""
        found = (
            job
            for job in self._waiting.values()
            if self._open.isdisjoint(job.needs) and self._open.isdisjoint(job.after) and not self._unmet(job)
        )
        return sorted(found, key=lambda job: (-self._waited_for[job.id], -self._seconds(job)))

    def barred(self) -> Iterator[tuple[Job, Outcome]]:
        """Waiting jobs with a need that ended without completing, and the outcome that this gives them."""
        for job in self.waiting():
            if unmet := self._unmet(job):
                # What depends on something unsupported was never meant to give a result either.
                status = Status.UNSUPPORTED if unmet.status is Status.UNSUPPORTED else Status.FAILED
                how = ENDED.get(unmet.status, f"is {unmet.status.value}")
                yield job, Outcome(job=job.id, status=status, reason=f"{NEEDS}{unmet.job}, which {how}: {unmet.reason}")

    def circle(self) -> Iterator[tuple[Job, Outcome]]:
        """The waiting jobs, when nothing runs and none is ready: they wait for each other."""
        for job in self.waiting():
            waits = ", ".join(sorted(self._open.intersection({*job.needs, *job.after})))
            reason = f"waits for {waits}, which in turn waits for it: correct `needs` and `after` in the plan"
            yield job, Outcome(job=job.id, status=Status.FAILED, reason=reason)

    def start(self, job: Job) -> None:
        del self._waiting[job.id]

    def again(self, job: Job) -> None:
        """A job waits again, as the next one to start, in place of the one of this id that was started or waits."""
        self._waited_for[job.id] = self.total
        self._waiting = {job.id: job} | {one: other for one, other in self._waiting.items() if one != job.id}

    def end(self, outcome: Outcome) -> None:
        self._waiting.pop(outcome.job, None)
        self._open.remove(outcome.job)
        self._outcomes[outcome.job] = outcome

    def _seconds(self, job: Job) -> int:
        """How long the longest of its needs took; whole seconds, so that small ones do not change the order."""
        return round(max((self._outcomes[one].seconds for one in job.needs if one in self._outcomes), default=0.0))

    def _unmet(self, job: Job) -> Outcome | None:
        ended = (self._outcomes[one] for one in job.needs if one in self._outcomes)
        return next((outcome for outcome in ended if outcome.status is not Status.COMPLETE), None)
