"""This machine as the one node of a command."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import final

from suite.artifacts.store import Store
from suite.engine import devices, provision, variables
from suite.engine.dispatch import Engine
from suite.engine.events import Event
from suite.engine.gpus import Gpus
from suite.engine.hosts import Warm
from suite.plan import locations
from suite.records import Environment, Job, Options, Provisioned

ENTRY = "suite.runner.execute_job:main"


@final
class ThisMachine:
    """A node. `folder`: the run folder. `cache`, `imports`: see `of_host`. `entry`: what a worker calls with the job
    file."""

    lost = ""

    def __init__(
        self,
        provisioned: Mapping[str, Provisioned],
        *,
        folder: Path,
        cores: int,
        gpus: Gpus,
        cache: Path | None = None,
        imports: Path = locations.ROOT,
        entry: str = ENTRY,
        name: str = "",
    ) -> None:
        self.name, self.cores, self.gpus, self.provisioned = name, cores, gpus, provisioned
        self._folder, self._cache, self._imports, self._entry = folder.resolve(), cache, imports, entry
        self._store = Store(self._folder)

    def open(self, environment: Environment, options: Options, python: str, log: Path) -> Warm:
        """Starts a host. Raises OSError if its interpreter cannot be started."""
        # -P: the folder it is started in is not a place to import from.
        command = [python, "-P", "-m", "suite.runner.host", environment.backend, self._entry]
        surroundings = variables.of_host(
            environment, options, folder=self._folder, cache=self._cache, imports=self._imports, node=self.name
        )
        return Warm(command, surroundings, log)

    def made(self, job: Job) -> tuple[object, ...]:
        """The manifests of a job's runs, as they are now."""
        return tuple(artifact.signature() for artifact in self._store.made_by(job))

    def knows(self, gpu: str) -> bool:
        """Whether the driver still knows a GPU."""
        return devices.answers(gpu)

    def renewed(self) -> None:
        """This machine is never lost."""


def gpus_here(count: int, jobs_per_gpu: int) -> Gpus:
    """So many GPUs of this machine, as they may be shared."""
    if count and devices.forbids_sharing():
        jobs_per_gpu = 1
    used = devices.used_memory() if count and not jobs_per_gpu else ()
    return Gpus(variables.gpu_names(count), used=used, jobs_per_gpu=jobs_per_gpu)


@final
class Local:
    """The site of a command that runs on this machine."""

    def gpus(self) -> tuple[str, ...]:
        """The names of this machine's GPUs."""
        return devices.detect_gpus()

    def passed_over(self, device: str) -> str:
        """One line for "auto" on a machine whose accelerator is not supported; empty if nothing is to be said."""
        return devices.passed_over(device, self.gpus())

    def provision(
        self,
        environments: Sequence[Environment],
        *,
        folder: Path,
        device: str,
        plugins: Sequence[str],
        report: Callable[[str], None],
    ) -> dict[str, Provisioned]:
        """Every environment by name, ready or with the reason why not."""
        return provision.provision(environments, folder=folder, device=device, plugins=plugins, report=report)

    def engine(
        self,
        provisioned: Mapping[str, Provisioned],
        *,
        folder: Path,
        environments: Path,
        cores: int,
        timeout: float,
        listen: Callable[[Event], None],
        jobs_per_gpu: int = 0,
    ) -> Engine:
        """What runs jobs for one run folder; see `Site`."""
        machine = ThisMachine(
            provisioned,
            folder=folder,
            cores=cores or os.cpu_count() or 1,
            gpus=gpus_here(len(self.gpus()), jobs_per_gpu),
            cache=environments / "compiled",
            imports=locations.import_folder(environments),
        )
        return Engine([machine], folder=folder, timeout=timeout, listen=listen)
