"""The job of the zoo: many cases, one after the other, in one process."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from suite.artifacts import names
from suite.artifacts.store import Store
from suite.artifacts.writing import write_record
from suite.records import Job
from suite.records.zoo import Case, Reading, Readings
from suite.runner import devices, precision
from suite.runner.keras_jobs import begun
from suite.runner.zoo import cases

# Cases are small and many: on JAX, most of the time goes into compiling code that runs once, so it is not optimized.
QUICK = "--xla_backend_optimization_level=0"


def zoo(job: Job) -> None:
    """Runs the job's cases in its precision, and leaves word of the case that it is at, for when the process dies."""
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {QUICK}".strip()
    devices.claim(job)
    precision.adopt(job.precision, "float32")
    record(job, lambda case: cases.run(case, job.precision))


def record(job: Job, run: Callable[[Case], cases.Recorded]) -> None:
    """Writes the artifact of the job: the readings, and the arrays of all cases in one part."""
    artifact = Store(job.run_folder).zoo(job.environment.name, job.precision, job.chunk)
    with artifact.recording(begun(job, job.id)) as recorded:
        readings: list[Reading] = []
        arrays: dict[str, np.ndarray] = {}
        for case in job.cases:
            artifact.place(names.RUNNING).write_text(case.id)
            reading, made = run(case)
            readings.append(reading)
            arrays |= {names.of_case(case.id, name): value for name, value in made.items()}
        artifact.place(names.RUNNING).unlink(missing_ok=True)
        recorded.add(names.CASES, arrays)
        with recorded.placing(names.READINGS) as path:
            write_record(path, Readings(readings=tuple(readings)))
