"""Which faults are injected where, and the plan of runs that shows what becomes of them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from suite.artifacts.writing import digest_of
from suite.records import PRECISIONS, Configuration, Plan, Run, plain, unknown_name
from suite.selftest.catalogue import BY_NAME, FAULTS, SYNC, VARIANTS, Fault

BACKENDS = ("tensorflow", "jax", "torch")  # of Keras: what a fault patches
BUILT_IN, RANDOM = "built-in", "random"
GROUNDS = (BUILT_IN, RANDOM)
DEVICES = 2
# Under synchronized statistics any number of devices computes the same: a clean variant. Not DDP: four processes take long.
MORE_DEVICES, ON_MORE = 4, ("tf_mirrored", "jax_data_parallel")
OF_ONE_HOST = {"tf_mirrored": "tensorflow", "jax_data_parallel": "jax", "torch_ddp": "torch"}
OVER_HOSTS = {strategy: f"{strategy}_hosts" for strategy in OF_ONE_HOST}
# Strategies that drive one backend only; the others drive every one.
DRIVES = OF_ONE_HOST | {OVER_HOSTS[strategy]: backend for strategy, backend in OF_ONE_HOST.items()}


@dataclass(frozen=True, kw_only=True, order=True)
class Expected:
    """What must be said of a fault. `causes`: one of these patterns must be among the causes that are named, each a code,
    or "definition <layer, loss or update> <name>". `stage`, `tensor`: where it begins; alternatives of `tensor` are
    separated by |. All are patterns as in file names."""

    causes: tuple[str, ...]
    stage: str
    tensor: str = "*"


@dataclass(frozen=True, kw_only=True, order=True)
class Injected:
    """One fault in one configuration. `target`: the layer or tensor that it is about, in models drawn at random.
    `original`: of a fault that a whole environment has, as if its backend had it, the environment without it; else ""."""

    fault: str
    configuration: Configuration
    expected: Expected
    ground: str = BUILT_IN
    target: str = ""
    original: str = ""

    @property
    def clean(self) -> Configuration:
        """What it is compared with."""
        environment = self.original or self.configuration.environment
        return replace(self.configuration, fault="", environment=environment)


def injected(faults: Sequence[Fault], environments: Mapping[str, str], *, over_hosts: bool = False) -> list[Injected]:
    """Every fault in every strategy that it acts in, in these environments (name to backend). `over_hosts`: in the same
    strategies over hosts, too."""
    return [
        Injected(
            fault=fault.name,
            configuration=Configuration(
                scenario=fault.scenario,
                environment=environment,
                strategy=strategy,
                devices=devices_of(strategy),
                fault=fault.name,
            ),
            expected=Expected(causes=(fault.cause,), stage=fault.stage, tensor=fault.tensor),
        )
        for fault in faults
        for strategy, environment in places(_with_hosts(fault.strategies) if over_hosts else fault.strategies, environments)
    ]


def places(strategies: Sequence[str], environments: Mapping[str, str]) -> list[tuple[str, str]]:
    """Every strategy with each environment (name to backend) that it drives."""
    return [
        (strategy, environment)
        for strategy in strategies
        for environment, backend in environments.items()
        if backend in BACKENDS and backend == DRIVES.get(strategy, backend)
    ]


def _with_hosts(strategies: Sequence[str]) -> tuple[str, ...]:
    return (*strategies, *(OVER_HOSTS[one] for one in strategies if one in OVER_HOSTS))


def devices_of(strategy: str) -> int:
    return 1 if strategy == "single" else DEVICES


def check_names(names: Sequence[str]) -> None:
    """
    Raises:
        UsageError: there is no fault of a name.
    """
    for name in names:
        if name not in BY_NAME:
            raise unknown_name("fault", name, list(BY_NAME))


def chosen(
    names: Sequence[str], sample: int, seed: int, environments: Mapping[str, str], *, over_hosts: bool = False
) -> list[Injected]:
    """All, or those of the named faults; of these, if `sample` is not 0, a random sample, which is the same for one seed.
    `over_hosts`: as in `injected`."""
    faults = [fault for fault in FAULTS if not names or fault.name in names]
    everything = injected(faults, environments, over_hosts=over_hosts)
    if not sample or sample >= len(everything):
        return everything
    return sorted(random.Random(seed).sample(everything, sample))


def variants(faults: Sequence[Injected], environments: Mapping[str, str]) -> list[Injected]:
    """What is injected and is no fault: beside every faulty configuration of its scenario."""
    beside = {one.clean for one in faults}
    return [one for one in injected(VARIANTS, environments, over_hosts=True) if one.clean in beside]


def scenarios(faults: Sequence[Injected]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.configuration.scenario for one in faults))


def restricted(plan: Plan, faults: Sequence[Injected]) -> Plan:
    """Of a plan of these scenarios: the clean configurations, the oracles, two runs of each injected one, and everything of
    an environment that has a fault, on one device in the fault's scenario."""
    of_backends = {(one.configuration.scenario, one.configuration.environment) for one in faults if one.original}
    faulty = {environment for _, environment in of_backends}
    kept = [run for run in plan.runs if _wanted(run, of_backends, faulty)]
    more = [plain(one.configuration, precision) for one in faults if not one.original for precision in PRECISIONS]
    runs = (*kept, *more)
    refused = tuple(one for one in plan.refused if one[0] in kept)
    return replace(plan, runs=runs, refused=refused, digest=digest_of(runs, plan.options, plan.digest))


def _wanted(run: Run, of_backends: set[tuple[str, str]], faulty: set[str]) -> bool:
    """Of an environment with a fault, one device in that scenario; more than two devices only in the scenario whose
    statistics are synchronized."""
    configuration = run.configuration
    if configuration.environment in faulty:
        return configuration.devices == 1 and (configuration.scenario, configuration.environment) in of_backends
    if configuration.devices <= DEVICES:
        return True
    return configuration.scenario == SYNC and (configuration.strategy in ON_MORE or configuration.strategy not in DRIVES)


def device_counts(names: Sequence[str]) -> tuple[int, ...]:
    """What these scenarios are run on; without names: all scenarios."""
    return (1, DEVICES, MORE_DEVICES) if SYNC in names or not names else (1, DEVICES)
