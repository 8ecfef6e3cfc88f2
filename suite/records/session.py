"""What a command did: how every planned run ended, and what is kept of it beside the artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from suite.records.plan import Outcome, Provisioned, Run, Semantics
from suite.records.scenario import Broken
from suite.records.vocabulary import Status


@dataclass(frozen=True, kw_only=True)
class ScenarioRow:
    """What the report says of a scenario."""

    name: str
    description: str
    source: str
    digest: str
    batch: int
    steps: int
    outputs: str
    epochs: int = 0  # of which a run is made; 0 where it counts steps
    margins: Mapping[str, float] = field(default_factory=dict)  # metric -> the difference that does not matter
    layers: tuple[str, ...] = ()  # in the order in which a step calls them; empty where no single step was recorded


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One planned run as it ended. `log`: the end of what the worker printed, when it did not complete. `died`: how the
    first attempt died, where the second completed; else empty."""

    run: Run
    status: Status
    reason: str
    seconds: float
    reused: bool
    facts: Mapping[str, str]
    log: str = ""
    died: str = ""


@dataclass(frozen=True, kw_only=True)
class Session:
    """What one command found and did, kept beside its artifacts so that they can be judged again, anywhere.

    `declared`: configuration id -> what its strategy declares; `ended`: id of a run that did not complete -> how; `jobs`:
    how the jobs ended that execute no run (probes, inputs, reloads) and did not complete;
    `further`: runs that were asked for after the plan, to decide what was open; `reused`: ids of runs found complete;
    `finished`: whether the command came to its end; `plan`: the seal of the plan that it is of;
    `digests`: place of an artifact in the run folder -> the digest of everything that it must have been made from.
    """

    environments: tuple[Provisioned, ...]
    scenarios: tuple[ScenarioRow, ...]
    broken: tuple[Broken, ...]
    declared: Mapping[str, Semantics]
    ended: Mapping[str, Outcome] = field(default_factory=dict)
    jobs: tuple[Outcome, ...] = ()
    further: tuple[Run, ...] = ()
    reused: tuple[str, ...] = ()
    finished: bool = False
    plan: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
