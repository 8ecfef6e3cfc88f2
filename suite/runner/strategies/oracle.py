"""Several devices emulated on one, in float64: what a declaration says, computed from formulas. Never planned for itself."""

from __future__ import annotations

from suite.records import Job


def work(job: Job) -> None:
    """Executes the job's runs, each as the emulation that it names."""
    from suite.runner import devices
    from suite.runner.numpy_backend import oracle
    from suite.runner.oracle import jobs

    if job.environment.backend == "fake":
        oracle.train(job)
        return
    devices.claim(job)
    jobs.train(job)
