"""What becomes of a job that failed on a GPU: a second attempt, alone or elsewhere, or a reason that says more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from suite.engine.gpu_errors import is_lost, is_of_driver, is_out_of_memory
from suite.engine.gpus import Gpus
from suite.records import Job


@dataclass(frozen=True, kw_only=True)
class Failure:
    """`reason`: why the job failed, with what is known of its GPU. `again`: the job of the second attempt, if there is to be
    one. `note`: a line for the console."""

    reason: str
    again: Job | None = None
    note: str = ""


def failure(
    pool: Gpus, job: Job, gpus: Sequence[str], *, said: str, reason: str, beside: int, answers: Callable[[str], bool]
) -> Failure:
    """What the failure of a job on these GPUs means for it and for them: a GPU that is lost leaves the pool.

    `said`: the text of the error. `beside`: how many other jobs shared the GPU, at most. `answers(gpu)`: whether the driver
    still knows a GPU.
    """
    why = reason.partition("\n")[0]
    if gone := _lost(pool, gpus, said, answers):
        names = ", ".join(gone)
        new = [gpu for gpu in gone if pool.lose(gpu, why)]
        note = f"GPU {', '.join(new)} is lost ({why}): nothing more is started on it" if new else ""
        again = None if job.died else replace(job, died=f"its GPU {names} was lost: {why}")
        return Failure(reason=f"its GPU {names} was lost: {reason}", again=again, note=note)
    if not is_out_of_memory(said):
        return Failure(reason=reason)
    if not beside:
        return Failure(reason=f"{reason}\nIt had its GPU for itself: it needs one with more memory, or a smaller batch")
    pool.exceeded(job, gpus[0], beside)
    jobs = "1 other job" if beside == 1 else f"up to {beside} other jobs"
    if job.died:
        return Failure(reason=reason)
    return Failure(reason=reason, again=replace(job, died=f"its GPU ran out of memory beside {jobs}: {why}", alone=True))


def _lost(pool: Gpus, gpus: Sequence[str], said: str, answers: Callable[[str], bool]) -> list[str]:
    """Those of the job's GPUs that cannot be used any more. An error does not name its GPU: of several, the driver is asked
    for each."""
    known = [gpu for gpu in gpus if pool.is_lost(gpu)]
    if known or not is_of_driver(said):
        return known
    if len(gpus) == 1 and is_lost(said):
        return list(gpus)
    return [gpu for gpu in gpus if not answers(gpu)]
