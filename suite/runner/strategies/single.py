"""One device, any backend: plain Keras."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from suite.records import Job, Scenario
from suite.runner import devices, models, training


def work(job: Job) -> None:
    """Executes the job's runs on one device."""
    devices.claim(job)
    training.train(job, Drive())


class Drive:
    """One process, one device."""

    devices = 1
    processes = 1
    rank = 0
    leads = True
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
