"""What each command was told: one frozen record for each, and the only place that reads the parser's namespace."""

from __future__ import annotations

import argparse
import os
import typing
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

Record = TypeVar("Record")
BUDGET_UNITS = {"s": 1, "m": 60, "h": 3600}
SMOKE_STEPS = 3  # the first, one that has an optimizer state behind it, and one more


@dataclass(frozen=True, kw_only=True)
class EnvironmentOptions:
    """Which environments, on which device, and how they compute there. `environment`: names, those of variants too;
    `backend`: names of backends or environments. `plugin`: requirements that are installed into each. `precision`:
    "default", "exact" or "both"."""

    environments: tuple[Path, ...]
    environments_folder: Path
    environment: tuple[str, ...]
    backend: tuple[str, ...]
    plugin: tuple[str, ...]
    device: str
    precision: str
    deterministic: bool


@dataclass(frozen=True, kw_only=True)
class RecipeOptions:
    """How it is trained. `steps`: 0 for the scenario's own. `virtual_devices`: of one GPU, where there are too few.
    `over_hosts`: also with every device on a host of its own."""

    steps: int
    seed: int
    reference: str
    virtual_devices: bool
    over_hosts: bool


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where it runs. `engine`: "local" or "ray", then `ray_address` names the cluster and `shared` a folder that its nodes
    have in common, if there is one. `jobs`: processes at once on each machine, 0 for as many as it has processors;
    `jobs_per_gpu`: of these on one GPU, 0 for as many as its memory allows; `timeout`: seconds for one run; `rerun`:
    "failed" or "all". `quiet`: only the answer and what failed is said; `verbose`: every job is a line. `fail_fast`: the
    first job that fails ends the command."""

    out: Path
    engine: str
    ray_address: str
    shared: Path | None
    jobs: int
    jobs_per_gpu: int
    timeout: int
    rerun: str
    quiet: bool
    verbose: bool
    fail_fast: bool

    @property
    def processes(self) -> int:
        """At once, on this machine."""
        return self.jobs or os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class HistoryOptions:
    """What was before: an earlier results.json, differences that were accepted, and a folder that keeps every run."""

    baseline: Path | None
    known: Path | None
    history: Path | None


@dataclass(frozen=True, kw_only=True)
class SigningOptions:
    """Whether the run folder is signed at the end, or held against its signatures at the beginning. `key_file`: None for the
    key in a variable."""

    sign: bool
    verify: bool
    key_file: Path | None


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """`fail_on`: the word of the best verdict that fails. `seeds`: how many other initial states are trained from. `smoke`:
    one scenario, few steps. `keep`: "all", or what is "needed" once it is judged. `budget`: how long
    it may take, as "30m"; None for as long as it takes. `json`: the answer as JSON.
    """

    scenario: tuple[str, ...]
    scenario_path: tuple[Path, ...]
    environments: EnvironmentOptions
    devices: tuple[int, ...]
    recipe: RecipeOptions
    running: RunOptions
    fail_on: str
    seeds: int
    smoke: bool
    before: HistoryOptions
    signing: SigningOptions
    keep: str
    budget: str | None
    split_assets: bool
    json: bool

    @property
    def trained(self) -> RecipeOptions:
        """How it is really trained."""
        return replace(self.recipe, steps=self.recipe.steps or SMOKE_STEPS) if self.smoke else self.recipe


@dataclass(frozen=True, kw_only=True)
class PlanOptions(CompareOptions):
    """The same, so that any command line can be tried first. `measure`: whether some steps are run, to know how long all
    take."""

    measure: bool


@dataclass(frozen=True, kw_only=True)
class SelftestOptions:
    """`ground`: "built-in", "random" or "both". `models`: how many are drawn at random. `sample`: how many faults on each
    ground, 0 for all built-in ones and for some in each model. `seeds`: from how many initial states clean pairs of built-in
    scenarios are made."""

    ground: str
    models: int
    fault: tuple[str, ...]
    sample: int
    seeds: int
    keep: bool
    environments: EnvironmentOptions
    recipe: RecipeOptions
    running: RunOptions


@dataclass(frozen=True, kw_only=True)
class ClaimsOptions:
    """One scenario, on one device and on `devices`."""

    scenario: str
    scenario_path: tuple[Path, ...]
    environments: EnvironmentOptions
    devices: int
    recipe: RecipeOptions
    running: RunOptions


@dataclass(frozen=True, kw_only=True)
class ZooOptions:
    """`only`: names of classes; all if empty. `sample`: how many cases, 0 for all."""

    only: tuple[str, ...]
    sample: int
    seed: int
    environments: EnvironmentOptions
    running: RunOptions


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """`file`: a file or a folder of files. `model`, `custom_objects`: "module:function" or "file.py:function"; empty for
    none. `data`: None for rows that are drawn, `rows` of them with `seed`. `trust`: code in the file may run. `json`: the
    answer as JSON."""

    file: Path
    model: str
    custom_objects: str
    data: Path | None
    rows: int
    seed: int
    trust: bool
    environments: EnvironmentOptions
    running: RunOptions
    json: bool


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """`fail_on`: None for the gate of the plan. `json`: the answer as JSON."""

    out: Path
    fail_on: str | None
    before: HistoryOptions
    signing: SigningOptions
    split_assets: bool
    json: bool


@dataclass(frozen=True, kw_only=True)
class DiffOptions:
    before: Path
    now: Path


@dataclass(frozen=True, kw_only=True)
class ReproOptions:
    """`finding`: its number, or how its fingerprint begins. `out`: None for a folder named after it. `scenario_path`: where
    its scenario may be, beside the built-in ones."""

    finding: str
    results: Path
    out: Path | None
    scenario_path: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class ScenariosOptions:
    """`action`: "list" every scenario, or "check" how many are valid. `deep`: by one training step of each, or of those
    named in `scenario`, in each environment."""

    action: str
    deep: bool
    scenario: tuple[str, ...]
    scenario_path: tuple[Path, ...]
    environments: EnvironmentOptions


@dataclass(frozen=True, kw_only=True)
class NewScenarioOptions:
    """`source`: a model file, or "module:function"; empty for a model to replace. `data`: None for rows that are drawn."""

    name: str
    folder: Path
    source: str
    data: Path | None
    environments: EnvironmentOptions


OPTIONS: Mapping[str, type] = {
    "compare": CompareOptions,
    "plan": PlanOptions,
    "selftest": SelftestOptions,
    "claims": ClaimsOptions,
    "zoo": ZooOptions,
    "check": CheckOptions,
    "report": ReportOptions,
    "diff": DiffOptions,
    "repro": ReproOptions,
    "scenarios": ScenariosOptions,
    "environments": EnvironmentOptions,
    "new-scenario": NewScenarioOptions,
}


def seconds_of(text: str) -> int:
    """The seconds of "90s", "30m" or "2h". Raises ValueError for everything else."""
    number, unit = text[:-1], text[-1:]
    if unit not in BUDGET_UNITS or not number.isdecimal() or not int(number):
        raise ValueError(f"got {text!r}, wanted a number of seconds, minutes or hours, such as 90s, 30m or 2h")
    return int(number) * BUDGET_UNITS[unit]


def of(given: argparse.Namespace) -> Any:
    """The record of the command that was given; every field has the name of an option."""
    return _record(OPTIONS[given.command], vars(given))


def _record(kind: type[Record], given: Mapping[str, Any]) -> Record:
    values: dict[str, Any] = {}
    types = typing.get_type_hints(kind)
    for field in fields(kind):  # type: ignore[arg-type]
        if is_dataclass(types[field.name]):
            values[field.name] = _record(types[field.name], given)
        else:
            value = given[field.name]
            values[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)
