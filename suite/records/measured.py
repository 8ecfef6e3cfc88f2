"""What running took: seconds of jobs, and bytes of scenarios. Nothing that is judged rests on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from suite.records.plan import Job


@dataclass(frozen=True, kw_only=True)
class Work:
    """What of a job its time depends on. `runs`: how many it executes; `steps`: 0 for the scenario's own. `further`: it was
    asked for after the plan, to decide what was open."""

    kind: str
    environment: str
    scenario: str = ""
    strategy: str = ""
    devices: int = 1
    precision: str = ""
    runs: int = 0
    steps: int = 0
    device: str = "cpu"
    further: bool = False


def work_of(job: Job) -> Work:
    return Work(
        kind=job.kind,
        environment=job.environment.name,
        scenario=job.scenario,
        strategy=job.strategy,
        devices=job.devices,
        precision=job.precision,
        runs=len(job.runs),
        steps=job.options.steps,
        device=job.options.device,
    )


@dataclass(frozen=True, kw_only=True)
class Timed:
    """A job that completed, and its seconds."""

    work: Work
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Of a run folder: what each job took last, by its id, and how many bytes the runs of each scenario had before anything
    was dropped."""

    jobs: Mapping[str, Timed] = field(default_factory=dict)
    bytes: Mapping[str, int] = field(default_factory=dict)
