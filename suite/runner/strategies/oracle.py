"""Several devices emulated on one, in float64: what a declaration says, computed from formulas. Never planned for itself."""

from __future__ import annotations

from suite.records import ORACLE, Job, Scenario, Semantics


class EmulatedDevices:
    name = ORACLE
    backends: frozenset[str] = frozenset()  # no backend is driven by it: `explain` asks for its runs

    def refuse(self, devices: int) -> str:
        return ""

    def semantics(self, scenario: Scenario, devices: int) -> Semantics:
        # Each of its runs says for itself what it emulates.
        return Semantics()

    def work(self, job: Job) -> None:
        from suite.runner import devices
        from suite.runner.numpy_backend import oracle
        from suite.runner.oracle import jobs

        if job.environment.backend == "fake":
            oracle.train(job)
            return
        devices.claim(job)
        jobs.train(job)


STRATEGY = EmulatedDevices()
