"""An engine with the fake backend in a folder, for tests: real processes, no frameworks."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from suite.engine.dispatch import Engine
from suite.engine.events import Event
from suite.engine.local import ThisMachine, gpus_here
from suite.records import Environment, Job, Options, Outcome, Provisioned
from tests.processes import alive, until

RUNNER_TESTS = Path(__file__).resolve().parents[1] / "runner"
PROJECT = RUNNER_TESTS.parents[1]
FAKE = Environment(name="fake", backend="fake", pythonpath=(str(RUNNER_TESTS),))
ENTRY = "stand_in:main"


class Bench:
    """An engine in a folder, and the events that it sent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self.react: Callable[[Event], None] = lambda event: None

    def job(self, what: str, **fields: Any) -> Job:
        settings: dict[str, Any] = {"environment": FAKE, "options": Options()} | fields
        return Job(kind="prepare", scenario=what, run_folder=str(self.folder), **settings)

    def local(self, *, timeout: float = 30.0, gpus: int = 0, jobs_per_gpu: int = 0, **arguments: Any) -> Engine:
        node = self.node(gpus=gpus_here(gpus, jobs_per_gpu), **arguments)
        return Engine([node], folder=self.folder, timeout=timeout, listen=self.hear)

    def node(self, **arguments: Any) -> ThisMachine:
        provisioned = {"fake": Provisioned(environment=FAKE, python=sys.executable)}
        settings: dict[str, Any] = {"provisioned": provisioned, "cores": 2, "entry": ENTRY} | arguments
        return ThisMachine(folder=self.folder, **settings)

    def run(self, *jobs: Job, **arguments: Any) -> dict[str, Outcome]:
        with self.local(**arguments) as local:
            return local.run(jobs)

    def notes(self) -> list[dict[str, Any]]:
        """The notes of the jobs that ended."""
        file = self.folder / "notes"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def pids(self, count: int = 1) -> list[list[int]]:
        """Of each hanging job: its host, itself, a forked process, a foreign process."""
        until(lambda: len(list(self.folder.glob("pids-*"))) >= count)
        return [json.loads(file.read_text()) for file in self.folder.glob("pids-*")]

    def hear(self, event: Event) -> None:
        self.events.append(event)
        self.react(event)


def all_gone(pids: list[list[int]]) -> bool:
    return not any(alive(pid) for job in pids for pid in job)
