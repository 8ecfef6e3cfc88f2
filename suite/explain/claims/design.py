"""Which cells are run: a factorial in one environment, and what the claims need of the others.

A cell is a variant of the scenario in a configuration. A variant is data: what the worker changes of the scenario.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from suite.artifacts.store import Store
from suite.artifacts.writing import digest_of
from suite.plan import discover, planning
from suite.records import (
    Configuration,
    ConfigurationError,
    FoundScenario,
    Job,
    Options,
    Plan,
    Provisioned,
    Run,
    ScenarioVariant,
    Status,
    Strategy,
    shares,
)

NORMALIZATIONS = ("per replica", "synchronized", "none")
BATCH_NORMALIZED = NORMALIZATIONS[:2]
FACTORS: Mapping[str, tuple[str, ...]] = {
    "devices": ("one", "several"),
    "normalization": NORMALIZATIONS,
    "last batch": ("even", "uneven"),
    "order": ("fixed", "reshuffled"),
    "seeds": ("fixed", "free"),
}
COPIES = 2  # the same variant under another name runs in processes of its own, from inputs of its own


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A level of each factor but the devices. `copy` 2 is the same again."""

    normalization: str = "per replica"
    last_batch: str = "even"
    order: str = "fixed"
    seeds: str = "fixed"
    copy: int = 1

    @property
    def suffix(self) -> str:
        """Names it: article-mlp.none.uneven."""
        changed = [self.normalization.replace(" ", "-")]
        changed += [level for level in (self.last_batch, self.order, self.seeds) if level not in ("even", "fixed")]
        return ".".join([*changed, *(["again"] if self.copy > 1 else [])])


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A variant on one or several devices of an environment, in a variation and precision."""

    variant: Variant
    environment: str
    devices: int
    variation: str = "plain"
    precision: str = "float64"
    index: int = 1


@dataclass(frozen=True, kw_only=True)
class Design:
    """What is asked of a scenario. `environment`: where the factorial runs; `others`: all with a result, that one first."""

    base: FoundScenario
    devices: int
    environment: str
    others: tuple[str, ...]
    options: Options

    @property
    def steps(self) -> int:
        return self.options.steps or self.base.scenario.steps

    @property
    def last_batch(self) -> int:
        """The rows of an uneven last batch, as few as leave every device two; 0 if the batch is too small for one."""
        for rows in (3 * self.devices - 1, 2 * self.devices - 1):
            if rows < self.base.scenario.batch and rows % self.devices and all(shares(rows, self.devices)):
                return rows
        return 0

    def name(self, variant: Variant) -> str:
        return f"{self.base.scenario.name}.{variant.suffix}"

    def factors(self) -> Mapping[str, tuple[str, ...]]:
        """The factors with the levels that there are."""
        return FACTORS if self.last_batch else {**FACTORS, "last batch": ("even",)}

    def factorial(self) -> list[Variant]:
        _, normalizations, lasts, orders, seeds = self.factors().values()
        return [
            Variant(normalization=normalization, last_batch=last, order=order, seeds=seed)
            for normalization, last, order, seed in product(normalizations, lasts, orders, seeds)
        ]

    def cells(self) -> list[Cell]:
        """Everything that is to run, each once."""
        both = (1, self.devices)
        found = [
            Cell(variant=variant, environment=self.environment, devices=devices)
            for variant, devices in product(self.factorial(), both)
        ]
        for environment in self.others:
            found += [
                Cell(variant=Variant(normalization=normalization), environment=environment, devices=devices)
                for normalization, devices in product(NORMALIZATIONS, both)
                if devices > 1 or normalization != "synchronized"
            ]
            found += [
                Cell(
                    variant=Variant(normalization=normalization, copy=copy),
                    environment=environment,
                    devices=devices,
                    variation=variation,
                    precision="float32",
                )
                for normalization, copy, devices, variation in product(
                    ("per replica", "none"), range(1, COPIES + 1), both, ("plain", "repeat")
                )
            ]
        found += [
            Cell(variant=Variant(), environment=self.environment, devices=devices, variation="permuted") for devices in both
        ]
        return list(dict.fromkeys(found))


def variants(design: Design) -> tuple[FoundScenario, ...]:
    """Every variant of the scenario that a cell runs, as a scenario of its own."""
    return tuple(_variant(design, variant) for variant in dict.fromkeys(cell.variant for cell in design.cells()))


def _variant(design: Design, variant: Variant) -> FoundScenario:
    varied = ScenarioVariant(
        name=design.name(variant),
        description=f"{design.base.scenario.name}, {variant.suffix.replace('.', ', ').replace('-', ' ')}",
        normalization=variant.normalization,
        last_batch=design.last_batch if variant.last_batch == "uneven" else 0,
        order=design.options.seed + 1 if variant.order == "reshuffled" else None,
        rows=design.steps * design.base.scenario.batch,  # of full batches: an uneven one must not change the order
        seed=design.options.seed + 1 if variant.seeds == "free" else None,
    )
    return FoundScenario(
        scenario=discover.varied(design.base.scenario, varied),
        source=replace(design.base.source, variant=varied),
        digest=digest_of(design.base.digest, varied),  # when the scenario changes, so does each variant
    )


def design(base: FoundScenario, environments: Mapping[str, Provisioned], options: Options) -> Design:
    """The design for a scenario: the factorial runs in the reference environment, or else in the first that is ready.

    Raises:
        ConfigurationError: no environment is ready, or the scenario trains in epochs or in phases.
    """
    if base.scenario.phases:
        raise ConfigurationError(
            f"{base.scenario.name} trains in phases, and the claims vary one training: give it steps in their place"
        )
    if base.scenario.epochs:
        raise ConfigurationError(
            f"{base.scenario.name} trains in epochs, and the claims vary single batches: give it steps in their place"
        )
    ready = [name for name, one in environments.items() if not one.reason]
    if not ready:
        reasons = "; ".join(f"{name}: {one.reason}" for name, one in environments.items())
        raise ConfigurationError(f"no environment is ready: {reasons}")
    first = options.reference if options.reference in ready else ready[0]
    others = (first, *(name for name in ready if name != first))
    return Design(base=base, devices=options.devices[-1], environment=first, others=others, options=options)


def normalizes(store: Store, design: Design) -> bool:
    """Whether the scenario has a batch normalization; also said where its inputs could not be made: then runs say why."""
    inputs = store.inputs(design.name(Variant())).manifest()
    return inputs is None or inputs.status is not Status.COMPLETE or bool(inputs.batch_norms)


def plan(
    design: Design,
    variants: Sequence[FoundScenario],
    environments: Mapping[str, Provisioned],
    strategies: Mapping[str, Strategy],
    *,
    gpus: int,
    command: str,
) -> Plan:
    """The plan of `parity compare` for these scenarios, cut down to the cells."""
    wanted = {
        (design.name(cell.variant), cell.environment, cell.devices, cell.variation, cell.precision)
        for cell in design.cells()
    }
    whole = planning.plan(variants, environments, strategies, design.options, gpus=gpus, command=command)
    runs = [run for run in whole.runs if _key(run) in wanted]
    again = [replace(run, variation="permuted") for run in runs if run.kind == "plain-float64"]
    runs += [run for run in again if _key(run) in wanted]
    refused = {run.configuration: (status, reason) for run, status, reason in whole.refused}
    return replace(
        whole,
        runs=tuple(runs),
        refused=tuple((run, *refused[run.configuration]) for run in runs if run.configuration in refused),
        digest=digest_of(runs, design.options, [found.digest for found in variants]),
    )


def _key(run: Run) -> tuple[str, str, int, str, str]:
    configuration = run.configuration
    return configuration.scenario, configuration.environment, configuration.devices, run.variation, run.precision


def needed(jobs: Iterable[Job], design: Design) -> list[Job]:
    """The jobs without what no claim asks for: files are loaded again at home only, from float64 runs with batch
    normalization."""
    saved = {design.name(Variant(normalization=normalization)) for normalization in BATCH_NORMALIZED}
    found = []
    for job in jobs:
        if job.kind == "reload":
            runs = tuple(run for run in job.runs if run.configuration.environment == job.environment.name)
            if job.precision != "float64" or job.scenario not in saved or not runs:
                continue
            job = replace(job, runs=runs)
        found.append(job)
    return found


def configuration(plan: Plan, design: Design, cell: Cell) -> Configuration | None:
    """The first configuration of the plan that is this cell's; None if no strategy drives it."""
    wanted = (design.name(cell.variant), cell.environment, cell.devices)
    found = (run.configuration for run in plan.runs)
    return next((one for one in found if (one.scenario, one.environment, one.devices) == wanted), None)
