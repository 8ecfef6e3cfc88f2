"""How a backend is driven over devices: what a strategy declares, and where the code is that does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from suite.records.plan import Semantics
from suite.records.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """A strategy's declarations, which are read without importing a framework or the worker.

    `name`: lower case, digits and underscores. `backends`: those it drives; empty if it is never planned for itself.
    `refuse(devices)`: why it cannot drive so many devices, as a sentence; empty if it can.
    `semantics(scenario, devices)`: what it declares to compute. `worker`: a reference "package.module:function" to the
    function `work(job)`, which executes the job's runs in a worker process, where each run answers by an artifact. It
    is imported there only. `divides_gpu`: it can have several devices on one GPU, which it must be asked for. `over_hosts`:
    every device is on a host of its own; it is planned where that was asked for.
    """

    name: str
    backends: frozenset[str]
    refuse: Callable[[int], str]
    semantics: Callable[[Scenario, int], Semantics]
    worker: str
    divides_gpu: bool = False
    over_hosts: bool = False
