"""One job in one process: reads the job file, does what its kind says, answers through artifacts."""

from __future__ import annotations

from pathlib import Path

from suite.artifacts.store import read_record
from suite.plan import discover
from suite.records import Job
from suite.runner import keras_jobs, references
from suite.runner.numpy_backend import training, zoo
from suite.runner.zoo import jobs


def main(job_file: str) -> None:
    """Executes the job. Raises what went wrong; `suite.runner.outcome.Unsupported` if it cannot be done here."""
    job = read_record(Path(job_file), Job)
    if job.kind == "train":
        strategies, _ = discover.strategies()
        references.load(strategies[job.strategy].worker)(job)
        return
    fake = job.environment.backend == "fake"
    kinds = {**training.KINDS, "zoo": zoo.zoo} if fake else {**keras_jobs.KINDS, "zoo": jobs.zoo}
    kinds[job.kind](job)
