"""The nodes of a command: this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from suite.engine.dispatch import Engine
from suite.engine.events import Event
from suite.records import Environment, Provisioned


class Site(Protocol):
    """The nodes of a command: this machine, or a cluster."""

    def gpus(self) -> tuple[str, ...]:
        """The names of the GPUs of the node that has most."""

    def passed_over(self, device: str) -> str:
        """One line for --device auto where there is an accelerator that is not supported; empty if there is none."""

    def provision(
        self,
        environments: Sequence[Environment],
        *,
        folder: Path,
        device: str,
        plugins: Sequence[str],
        report: Callable[[str], None],
    ) -> dict[str, Provisioned]:
        """Makes environments ready on every node; see `provision.provision`."""

    def engine(
        self,
        provisioned: Mapping[str, Provisioned],
        *,
        folder: Path,
        environments: Path,
        cores: int,
        timeout: float,
        jobs_per_gpu: int,
        listen: Callable[[Event], None],
    ) -> AbstractContextManager[Engine]:
        """What runs jobs for one run folder. `environments`: the folder that keeps them. `cores`: how many may be in use on
        each node; 0: as many as it has. `jobs_per_gpu`, `timeout`, `listen`: see `dispatch.Engine` and `Gpus`."""
