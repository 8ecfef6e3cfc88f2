"""Where jobs run: a node is a machine with cores and GPUs, on which hosts are started. This machine is one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, final

from suite.artifacts import names
from suite.engine.gpus import Gpus
from suite.engine.hosts import Answer, tail
from suite.engine.processes import ended_by
from suite.records import Environment, Job, Options, Provisioned

Key = tuple[str, str, int, str]  # environment, device, threads, and the job whose own the host is
HOST_DEATHS = 3  # a host that died more often is not started again: something kills it each time


class Host(Protocol):
    """A warm process of one environment on a node; `hosts.Warm` says what its members mean."""

    log: Path
    ready: bool
    began: float

    @property
    def gone(self) -> bool: ...
    def fileno(self) -> int: ...
    def start(self, job: Job, file: Path, log: Path, variables: Mapping[str, str]) -> None: ...
    def stop(self, job_file: Path) -> None: ...
    def answers(self) -> list[Answer] | None: ...
    def close(self) -> None: ...
    def kill(self) -> int: ...


class Node(Protocol):
    """A machine. `name`: empty for this one. `cores`: how many may be in use. `provisioned`: its environments by name."""

    name: str
    cores: int
    gpus: Gpus
    provisioned: Mapping[str, Provisioned]

    @property
    def lost(self) -> str:
        """Why nothing can run there any more; empty while it can."""

    def open(self, environment: Environment, options: Options, python: str, log: Path) -> Host:
        """Starts a host. Raises OSError if its interpreter cannot be started."""

    def made(self, job: Job) -> object:
        """Changes whenever the job begins or finishes a run."""

    def knows(self, gpu: str) -> bool:
        """Whether the driver still knows a GPU."""

    def renewed(self) -> Node | None:
        """After it was lost: the same machine once more, if that is still there."""


@final
class Hosts:
    """The hosts of one node, one for each environment. `folder`: for their logs, the run folder."""

    def __init__(self, node: Node, folder: Path, for_imports: float) -> None:
        self.node = node
        self.open: dict[Key, Host] = {}
        self._folder, self._for_imports = folder, for_imports
        self._deaths: Counter[Key] = Counter()
        self._unavailable: dict[Key, Unavailable] = {}

    def unavailable(self, job: Job) -> Unavailable | None:
        """Why a job can have no host here, if that is known."""
        return self._unavailable.get(key_of(job))

    def fits(self, job: Job) -> bool:
        """Whether a job can run here at all, as far as is known."""
        return self.unavailable(job) is None and self.node.gpus.needed(job) <= self.node.gpus.count

    def of(self, job: Job, works: Callable[[Host], bool]) -> Host | None:
        """The host for a job, started if there is none; None if there cannot be one. `works`: whether a job runs in it."""
        key = key_of(job)
        if key in self._unavailable:
            return None
        if key in self.open and self.open[key].gone and not works(self.open[key]):
            self.open.pop(key).kill()
        if key not in self.open:
            self._start(key, job)
        return self.open.get(key)

    def hangs(self, host: Host) -> bool:
        """Whether its imports take longer than they may."""
        return not host.ready and time.monotonic() - host.began > self._for_imports

    def lost(self, key: Key) -> tuple[Host, str]:
        """Ends a host that has ended, or hangs, and says how it ended. The next job that needs it gets a new one, unless it
        dies each time."""
        host = self.open.pop(key)
        hangs = self.hangs(host)
        how = ended_by(host.kill())
        self._deaths[key] += 1
        if not host.ready:
            log = tail(host.log)
            last = log.rpartition("\n")[2]
            what = f"did not finish its imports within {self._for_imports:g} s" if hangs else f"{how} during its imports"
            reason = f"the host of environment {key[0]!r} {what}{last and f': {last}'}"
            self._unavailable[key] = Unavailable(reason, log)
        elif self._deaths[key] > HOST_DEATHS:
            reason = f"the host of environment {key[0]!r} died {self._deaths[key]} times; the last time it {how}"
            self._unavailable[key] = Unavailable(reason, tail(host.log))
        return host, how

    def close(self) -> None:
        """Ends all of them, and their jobs."""
        for host in self.open.values():
            host.close()
        self.open.clear()

    def _start(self, key: Key, job: Job) -> None:
        environment = job.environment
        provisioned = self.node.provisioned.get(environment.name)
        if provisioned is None or provisioned.reason or not provisioned.python:
            reason = provisioned.reason if provisioned else ""
            self._unavailable[key] = Unavailable(reason or f"environment {environment.name!r} was not provisioned")
            return
        on = f"__{self.node.name}" if self.node.name else ""
        log = self._folder / names.LOGS / f"host__{environment.name}{on}.log"
        try:
            self.open[key] = self.node.open(environment, job.options, provisioned.python, log)
        except OSError as error:
            self._unavailable[key] = Unavailable(f"{provisioned.python} cannot be started ({error}): provision it again")


@dataclass(frozen=True)
class Unavailable:
    """Why no host can be started for an environment."""

    reason: str
    log: str = ""


def key_of(job: Job) -> Key:
    """What a host was started for: threads and device are fixed before the import. A second attempt has one of its own, its
    id comes last: what the first one died of may be in the processes that its host forks, if it was not memory."""
    return job.environment.name, job.options.device, job.options.threads, job.id if job.died and not job.alone else ""
