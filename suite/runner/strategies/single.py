"""One device, any backend: plain Keras."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from suite.records import Job, Scenario, Semantics
from suite.runner import devices, models, training


class Single:
    name = "single"
    backends = frozenset({"tensorflow", "jax", "torch"})

    def refuse(self, devices: int) -> str:
        return "" if devices == 1 else "drives one device only"

    def semantics(self, scenario: Scenario, devices: int) -> Semantics:
        return Semantics()

    def work(self, job: Job) -> None:
        devices.claim(job)
        training.train(job, Drive())


class Drive:
    """One process, one device."""

    devices = 1
    processes = 1
    rank = 0
    global_rows = False

    def scope(self) -> nullcontext[None]:
        return nullcontext()

    def adapt(self, model: Any, scenario: Scenario) -> None:
        """On one device the statistics of a batch are global already."""

    def states(self, state: Any) -> list[training.Arrays]:
        return [models.read(state)]

    def gather(self, name: str, arrays: training.Arrays) -> list[training.Arrays]:
        return [arrays]

    def replica(self) -> int:
        return 0


STRATEGY = Single()
