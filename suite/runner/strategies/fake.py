"""NumPy on any number of replicas, with defects to inject: for tests of everything behind the artifact."""

from __future__ import annotations

from suite.records import Job, Scenario, Semantics


class Fake:
    name = "fake"
    backends = frozenset({"fake"})

    def refuse(self, devices: int) -> str:
        return ""

    def semantics(self, scenario: Scenario, devices: int) -> Semantics:
        if devices == 1 or scenario.synchronized:
            return Semantics()
        return Semantics(
            batch_statistics="per replica",
            moving_statistics="per replica",
            gradients="mean of replica means",
            live_predictions="own statistics of each replica",
            saved="first replica",
        )

    def work(self, job: Job) -> None:
        from suite.runner.numpy_backend import training

        training.train(job)


STRATEGY = Fake()
