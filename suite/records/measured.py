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
class Sample:
    """A scenario that was trained for `SAMPLED` steps on a `device`, to know what all of it takes. `steps`: how many it has.
    `model`, `data`: bytes of its variables in float32, and of its data. By environment: `process`, seconds of a process that
    does so once, and `step`, seconds of one step more."""

    device: str
    steps: int
    model: int
    data: int
    process: Mapping[str, float] = field(default_factory=dict)
    step: Mapping[str, float] = field(default_factory=dict)


SAMPLED = 3  # steps: for the first or two, something is compiled


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Of a run folder: what each job took last, by its id, and how many bytes the runs of each scenario had before anything
    was dropped; and of scenarios, what a few steps took."""

    jobs: Mapping[str, Timed] = field(default_factory=dict)
    bytes: Mapping[str, int] = field(default_factory=dict)
    samples: Mapping[str, Sample] = field(default_factory=dict)
