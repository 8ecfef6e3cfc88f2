"""Trains scenarios on the real backends: in float32, in float64, and as the oracle of what each strategy declares.

Nothing is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Artifact
from suite.artifacts.store import Store
from suite.engine import provision
from suite.engine.local import Local
from suite.plan import discover, planning
from suite.plan.environments import environments
from suite.plan.jobs import Jobs
from suite.plan.locations import ROOT
from suite.records import (
    SINGLE_STEP,
    Configuration,
    Emulation,
    Manifest,
    Options,
    Outcome,
    Plan,
    Run,
    Scenario,
    Status,
    plain,
)

Side = tuple[str, str, int]  # environment, strategy, devices
SIDES: tuple[Side, ...] = (("tensorflow", "tf_mirrored", 2), ("jax", "single", 1), ("torch", "torch_ddp", 2))
ALL = (*SIDES, ("tensorflow", "single", 1), ("jax", "jax_data_parallel", 2), ("torch", "single", 1))
SMALL = 1e-3  # no tensor counts as smaller: the gradient of a bias before a batch normalization is rounding
CACHE = ROOT / ".environments"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A run folder, how its jobs ended, and the scenarios by name."""

    store: Store
    outcomes: Mapping[str, Outcome]
    scenarios: Mapping[str, Scenario]

    @property
    def failed(self) -> dict[str, str]:
        """Job: why it did not complete."""
        return {one: ended.reason for one, ended in self.outcomes.items() if ended.status is not Status.COMPLETE}

    def run(self, scenario: str, side: Side, precision: str = "float32") -> Artifact:
        return self.store.run(plain(_configuration(scenario, side), precision))

    def step(self, scenario: str, side: Side, precision: str = "float64", *, oracle: bool = False) -> Artifact:
        """The single steps of this side, or of what it declares."""
        run = _oracle(self.scenarios[scenario], side) if oracle else plain(_configuration(scenario, side), precision)
        return self.store.run(replace(run, variation=SINGLE_STEP))

    def oracle(self, scenario: str, side: Side) -> Artifact:
        """The oracle of what this side declares."""
        return self.store.run(_oracle(self.scenarios[scenario], side))

    def reload(self, scenario: str, side: Side, environment: str, form: str = names.KERAS_FILE) -> Manifest:
        """What loading the side's float32 file said."""
        manifest = self.store.reload(plain(_configuration(scenario, side)), environment, form).manifest()
        assert manifest is not None
        return manifest

    def last(self, artifact: Artifact) -> dict[str, np.ndarray]:
        """The model's variables and the optimizer's, as training leaves them."""
        manifest = artifact.manifest()
        assert manifest is not None and manifest.status is Status.COMPLETE, artifact.folder
        step = manifest.steps[-1]
        return artifact.arrays(names.step(step)) | artifact.arrays(names.optimizer(step))


def train(
    folder: Path,
    files: Path,
    *,
    sides: Sequence[Side] = SIDES,
    stepped: Sequence[str] = (),
    loaded: Sequence[str] = (),
    repeated: bool = False,
) -> Trained:
    """Trains every scenario of the folder `files` on these sides. `stepped`: names of scenarios that also take one step from
    each common state; `loaded`: of those whose files are loaded everywhere. `repeated`: whether each float32 run is repeated
    in its process."""
    found, broken = discover.scenarios([files], plugins=False)
    assert not broken, broken
    ready = provision.provision(environments(), folder=CACHE, device="cpu")
    runs = [run for one in found for side in sides for run in _runs(one.scenario, side)]
    if repeated:
        runs += [replace(run, variation="repeat") for run in runs if run.kind == "plain"]
    plan = Plan(runs=tuple(dict.fromkeys(runs)), refused=(), options=Options(), digest="")
    jobs = Jobs(Store(folder), plan, found, ready)
    with Local().engine(ready, folder=folder, environments=CACHE, cores=2, timeout=300, listen=lambda event: None) as engine:
        ended = dict(engine.run([job for job in jobs.first() if job.kind != "reload" or job.scenario in loaded]))
        chosen = [one.scenario for one in found if one.scenario.name in stepped]
        ended |= engine.run(jobs.training([step for scenario in chosen for step in _single_steps(scenario, sides)]))
    return Trained(store=Store(folder), outcomes=ended, scenarios={one.scenario.name: one.scenario for one in found})


def _runs(scenario: Scenario, side: Side) -> Sequence[Run]:
    configuration = _configuration(scenario.name, side)
    return plain(configuration), plain(configuration, "float64"), _oracle(scenario, side)


def _single_steps(scenario: Scenario, sides: Sequence[Side]) -> list[Run]:
    steps = [
        Run(configuration=_configuration(scenario.name, side), variation=SINGLE_STEP, precision=precision)
        for side in sides
        for precision in ("float32", "float64")
    ]
    return [*steps, *dict.fromkeys(replace(_oracle(scenario, side), variation=SINGLE_STEP) for side in sides)]


def _configuration(scenario: str, side: Side) -> Configuration:
    environment, strategy, devices = side
    return Configuration(scenario=scenario, environment=environment, strategy=strategy, devices=devices)


def _oracle(scenario: Scenario, side: Side) -> Run:
    strategies, _ = discover.strategies()
    environment, strategy, devices = side
    semantics = strategies[strategy].semantics(scenario, devices)
    return planning.oracle(scenario.name, environment, devices, Emulation(semantics=semantics))


def files(folder: Path, module: Path, kinds: Sequence[str]) -> Path:
    """A folder with one scenario file for each kind of a module that makes scenarios."""
    for kind in kinds:
        (folder / f"{kind}.py").write_text(f"{module.read_text()}\n\nSCENARIO = scenario({kind!r})\n")
    return folder


def farthest(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> float:
    """The largest difference of a tensor, relative to the tensor's largest element; 0 where both are the same, NaN included.
    The names must be the same."""
    assert a.keys() == b.keys(), a.keys() ^ b.keys()
    pairs = [(a[name], b[name]) for name in a if not np.array_equal(a[name], b[name], equal_nan=True)]
    return max(
        (float(np.abs(one - other).max()) / max(float(np.abs(other).max()), SMALL) for one, other in pairs), default=0.0
    )
