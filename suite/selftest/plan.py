"""Which faults are injected where, and the plan of runs that shows what becomes of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from suite.artifacts.store import digest_of
from suite.records import PRECISIONS, Configuration, Plan, Run, plain, unknown_name
from suite.selftest.catalogue import FAULTS, SYNC, VARIANTS, Fault

BACKENDS = ("tensorflow", "jax", "torch")  # of Keras: what a fault patches
DEVICES = 2
# Under synchronized statistics any number of devices computes the same: a clean variant. Not DDP: four processes take long.
MORE_DEVICES, ON_MORE = 4, ("tf_mirrored", "jax_data_parallel")
DRIVES = {"tf_mirrored": "tensorflow", "jax_data_parallel": "jax", "torch_ddp": "torch"}  # the others drive every backend


@dataclass(frozen=True, kw_only=True, order=True)
class Injected:
    """One fault in one configuration."""

    fault: str
    configuration: Configuration

    @property
    def clean(self) -> Configuration:
        return replace(self.configuration, fault="")


def injected(faults: Sequence[Fault], environments: Mapping[str, str]) -> list[Injected]:
    """Every fault in every strategy that it acts in, in these environments (name to backend)."""
    return [
        Injected(
            fault=fault.name,
            configuration=Configuration(
                scenario=fault.scenario,
                environment=environment,
                strategy=strategy,
                devices=1 if strategy == "single" else DEVICES,
                fault=fault.name,
            ),
        )
        for fault in faults
        for strategy in fault.strategies
        for environment, backend in environments.items()
        if backend in BACKENDS and backend == DRIVES.get(strategy, backend)
    ]


def chosen(names: Sequence[str], sample: int, seed: int, environments: Mapping[str, str]) -> list[Injected]:
    """All, or those of the named faults; of these, if `sample` is not 0, a random sample, which is the same for one seed.

    Raises:
        UsageError: there is no fault of a name.
    """
    there = [fault.name for fault in FAULTS]
    for name in names:
        if name not in there:
            raise unknown_name("fault", name, there)
    everything = injected([fault for fault in FAULTS if not names or fault.name in names], environments)
    if not sample or sample >= len(everything):
        return everything
    return sorted(random.Random(seed).sample(everything, sample))


def variants(faults: Sequence[Injected], environments: Mapping[str, str]) -> list[Injected]:
    """What is injected and is no fault: beside every faulty configuration of its scenario."""
    beside = {one.clean for one in faults}
    return [one for one in injected(VARIANTS, environments) if one.clean in beside]


def scenarios(faults: Sequence[Injected]) -> tuple[str, ...]:
    """The names of the scenarios that the faults are injected in, each once."""
    return tuple(dict.fromkeys(one.configuration.scenario for one in faults))


def restricted(plan: Plan, faults: Sequence[Injected]) -> Plan:
    """Of a plan of these scenarios: the clean configurations, the oracles, and two runs of each injected one."""
    kept = [run for run in plan.runs if _wanted(run)]
    more = [plain(one.configuration, precision) for one in faults for precision in PRECISIONS]
    runs = (*kept, *more)
    refused = tuple(one for one in plan.refused if one[0] in kept)
    return replace(plan, runs=runs, refused=refused, digest=digest_of(runs, plan.options, plan.digest))


def _wanted(run: Run) -> bool:
    """More than two devices only in the scenario whose statistics are synchronized."""
    configuration = run.configuration
    if configuration.devices <= DEVICES:
        return True
    return configuration.scenario == SYNC and (configuration.strategy in ON_MORE or configuration.strategy not in DRIVES)


def device_counts(names: Sequence[str]) -> tuple[int, ...]:
    """What these scenarios are run on; without names: all scenarios."""
    return (1, DEVICES, MORE_DEVICES) if SYNC in names or not names else (1, DEVICES)
