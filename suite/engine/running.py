"""What the engine knows of a job that runs: where, since when, and how its end is put into words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from suite.artifacts.store import Store
from suite.engine.gpus import Gpus
from suite.engine.hosts import Warm
from suite.records import Job, Outcome, Status

Key = tuple[str, str, int, str]  # environment, device, threads, and the job whose own the host is


@dataclass(kw_only=True)
class Running:
    """`gpus`: as CUDA_VISIBLE_DEVICES calls them. `began`, `stopped`: seconds of the monotonic clock; 0.0: not stopped.
    `moved`: when it last began or finished a run, and `made`: the manifests of its runs then."""

    job: Job
    host: Warm
    file: Path
    log: Path
    cores: int
    gpus: tuple[str, ...]
    began: float
    moved: float
    stopped: float = 0.0
    made: tuple[object, ...] = ()

    def looks_alive(self, store: Store, now: float, seconds: float) -> bool:
        """Whether it has begun or finished a run within the last `seconds`."""
        if (made := tuple(artifact.signature() for artifact in store.made_by(self.job))) != self.made:
            self.made, self.moved = made, now
        return now - self.moved <= seconds


@dataclass(frozen=True)
class Unavailable:
    """Why no host can be started for an environment."""

    reason: str
    log: str = ""


def key_of(job: Job) -> Key:
    """What a host was started for: threads and device are fixed before the import. A second attempt has one of its own, its
    id comes last: what the first one died of may be in the processes that its host forks, if it was not memory."""
    return job.environment.name, job.options.device, job.options.threads, job.id if job.died and not job.alone else ""


def after_others(job: Job, outcome: Outcome) -> str:
    """How a job ended that other environments could not do: where it completed, or that nothing could do it, and why."""
    if outcome.status is Status.COMPLETE:
        return f"done in {job.environment.name}, because other environments could not: {'; '.join(job.refused)}"
    said = [*job.refused, f"{job.environment.name}: {outcome.reason}"]
    reasons = dict.fromkeys(one.partition(": ")[2] for one in said)
    if len(reasons) == 1:
        return f"{outcome.reason} (in every environment: {', '.join(one.partition(': ')[0] for one in said)})"
    return f"no environment can do it: {'; '.join(said)}"


def too_few(needed: int, gpus: Gpus) -> str:
    wanted = "1 GPU" if needed == 1 else f"{needed} GPUs"
    return f"needs {wanted}, but this machine has {gpus.count}" + (
        f" left ({gpus.lost})" if gpus.lost else ": choose fewer with --devices"
    )
