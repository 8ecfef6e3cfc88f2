"""The NumPy backend on any number of replicas, with defects to inject: for tests of everything behind the artifact."""

from __future__ import annotations

from suite.records import Job


def work(job: Job) -> None:
    """Executes the job's runs; replicas are axes of arrays."""
    from suite.runner.numpy_backend import training

    training.train(job)
