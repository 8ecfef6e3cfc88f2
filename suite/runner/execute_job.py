"""One job in one process: reads the job file, does what its kind says, answers through artifacts."""

from __future__ import annotations

from pathlib import Path

from suite.artifacts.reading import record as read_record
from suite.plan import discover
from suite.records import Job
from suite.runner import keras_jobs, references
from suite.runner.file_check import jobs as file_check
from suite.runner.numpy_backend import file_check as numpy_file_check
from suite.runner.numpy_backend import jobs as numpy_jobs
from suite.runner.numpy_backend import zoo as numpy_zoo
from suite.runner.zoo import jobs as zoo


def main(job_file: str) -> None:
    """Executes the job. Raises what went wrong; `suite.runner.outcome.Unsupported` if it cannot be done here."""
    job = read_record(Path(job_file), Job)
    if job.kind == "train":
        strategies, _ = discover.strategies(tried=False)
        references.load(strategies[job.strategy].worker)(job)
        return
    fake = job.environment.backend == "fake"
    of_numpy = {**numpy_jobs.KINDS, "zoo": numpy_zoo.zoo, "check": numpy_file_check.check}
    of_keras = {**keras_jobs.KINDS, "zoo": zoo.zoo, "check": file_check.check}
    kinds = of_numpy if fake else of_keras
    kinds[job.kind](job)
