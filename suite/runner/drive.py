"""How a strategy drives the devices of one process."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from suite.records import Scenario

Arrays = dict[str, np.ndarray]


class Drive(Protocol):
    """How one process drives its devices. `processes` split each batch between them, of which this one is number `rank`. One
    of all that train together `leads`: it writes the artifacts."""

    devices: int
    processes: int
    rank: int
    leads: bool
    global_rows: bool  # whether a replica's copy of a variable may hold all rows of a batch, as where arrays are global

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Entered while the model is built, compiled and set."""

    def adapt(self, model: Any, scenario: Scenario) -> None:
        """Makes a compiled model train as the strategy does, before its first step."""

    def states(self, state: Mapping[str, Any]) -> list[Arrays]:
        """The values of the variables on each replica of this process, as `models.stored` gives them."""

    def gather(self, name: str, arrays: Arrays) -> list[Arrays]:
        """The arrays of all processes that split a batch, by rank, in the leader; in the others an empty list."""

    def replica(self) -> Any:
        """The index of the replica that executes, as a number or a tensor; asked for while a step is traced or run."""
