"""Everything that is to run, decided before anything runs: runs, and what is refused with its reason."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

from suite.artifacts.writing import digest_of
from suite.plan.variants import SEPARATOR, base_name
from suite.records import (
    LAYERWISE,
    ORACLE,
    PERMUTED,
    SINGLE_STEP,
    Configuration,
    Emulation,
    Environment,
    FoundScenario,
    Options,
    Plan,
    Provisioned,
    Run,
    Semantics,
    Status,
    Strategy,
    plain,
    shares,
)

FROM_STATES = (SINGLE_STEP, LAYERWISE)  # they start from the states of a trajectory
REPEATS = 5  # when a repeat is not bit-equal


def plan(
    scenarios: Sequence[FoundScenario],
    environments: Mapping[str, Provisioned],
    strategies: Mapping[str, Strategy],
    options: Options,
    *,
    gpus: int = 0,
    command: str = "",
) -> Plan:
    """scenarios x environments x strategies x devices x variations."""
    runs: list[Run] = []
    refused: list[tuple[Run, Status, str]] = []
    reference = reference_of(environments, options)
    for found in scenarios:
        trained: list[Configuration] = []
        emulated: dict[tuple[str, int, Semantics], None] = {}
        for environment in environments.values():
            for devices in options.devices:
                for strategy in _driving(strategies, environment.environment.backend, devices, options.over_hosts):
                    configuration = Configuration(
                        scenario=found.scenario.name,
                        environment=environment.environment.name,
                        strategy=strategy.name,
                        devices=devices,
                    )
                    planned = variations(configuration)
                    runs.extend(planned)
                    status, reason = _refusal(found, environment, strategy, devices, options, gpus)
                    if status:
                        refused.extend((run, status, reason) for run in planned)
                    else:
                        name = environment.environment.name
                        emulated[name, 1, Semantics()] = None
                        emulated[name, devices, strategy.semantics(found.scenario, devices)] = None
                        trained.append(configuration)
        runs.extend(
            Run(configuration=configuration, variation="seed", index=index)
            for configuration in trained
            for index in range(1, options.seeds + 1)
        )
        emulated |= dict.fromkeys(_shared(list(emulated)))
        # The reference's come first: single-step comparisons start from the states of the first that is complete.
        runs.extend(
            oracle(found.scenario.name, environment, devices, Emulation(semantics=declared))
            for environment, devices, declared in sorted(emulated, key=lambda one: one[0] != reference)
        )
    return Plan(
        runs=tuple(runs),
        refused=tuple(refused),
        options=options,
        digest=digest_of(runs, options, [found.digest for found in scenarios]),
        command=command,
    )


def _shared(emulated: Sequence[tuple[str, int, Semantics]]) -> Iterator[tuple[str, int, Semantics]]:
    """What the second of two environments declares for its replicas, in the first one, too, where that declares something
    else: what is by design is then measured within one environment, and two backends are compared over replicas."""
    for (first, devices, mine), (second, as_many, other) in itertools.combinations(emulated, 2):
        if first != second and devices == as_many and len({mine, other, Semantics()}) == 3:
            yield first, devices, other


def variations(configuration: Configuration) -> list[Run]:
    """What every configuration runs as."""
    permuted = [Run(configuration=configuration, variation="permuted", index=index + 1) for index in range(PERMUTED)]
    return [
        plain(configuration),
        Run(configuration=configuration, variation="repeat"),
        *permuted,
        plain(configuration, "float64"),
    ]


def reference_of(environments: Mapping[str, Provisioned], options: Options) -> str:
    """The environment that makes data and initial weights: the one asked for, else the first that is there; "" if none
    is."""
    there = [name for name, one in environments.items() if not one.reason]
    return options.reference if options.reference in there else next(iter(there), "")


def oracle(scenario: str, environment: str, devices: int, emulation: Emulation) -> Run:
    """The run that emulates so many devices on one of the environment."""
    configuration = Configuration(scenario=scenario, environment=environment, strategy=ORACLE, devices=devices)
    return Run(configuration=configuration, variation=ORACLE, precision="float64", emulates=emulation)


def trajectory_of(plan: Plan, scenario: str, complete: Callable[[Run], bool]) -> Run | None:
    """The run whose states single-step comparison starts from: the scenario's first oracle that is complete, the
    reference's if it can be; None if none is."""
    oracles = (run for run in plan.runs if run.variation == ORACLE and run.configuration.scenario == scenario)
    return next((run for run in oracles if complete(run)), None)


def _driving(strategies: Mapping[str, Strategy], backend: str, devices: int, over_hosts: bool) -> list[Strategy]:
    able = [one for one in strategies.values() if backend in one.backends and not one.refuse(devices)]
    return [one for one in able if over_hosts or not one.over_hosts]


def _refusal(
    found: FoundScenario, environment: Provisioned, strategy: Strategy, devices: int, options: Options, gpus: int
) -> tuple[Status | None, str]:
    scenario = found.scenario
    if environment.reason:
        return Status.NO_ENVIRONMENT, environment.reason
    if scenario.batch % devices:
        return Status.UNSUPPORTED, f"the global batch of {scenario.batch} does not divide by {devices} devices"
    if scenario.last_batch and not all(shares(scenario.last_batch, devices)):
        return Status.UNSUPPORTED, (
            f"with a last batch of {scenario.last_batch} rows, one of {devices} devices gets no rows, and backends crash or "
            "hang: give it more rows, or drop it"
        )
    divided = options.virtual_devices and strategy.divides_gpu and gpus
    if (environment.environment.device or options.device) == "gpu" and devices > gpus and not divided:
        status = Status.UNSUPPORTED if options.virtual_devices and gpus else Status.NO_DEVICES
        return status, _too_few(environment.environment, strategy, devices, gpus, options)
    return None, ""


def _too_few(environment: Environment, strategy: Strategy, devices: int, gpus: int, options: Options) -> str:
    """What a configuration needs that this machine has not, and what runs in its place."""
    there = "1 is there" if gpus == 1 else f"{gpus} are there"
    instead = [f"choose --environment {base_name(environment.name)}{SEPARATOR}cpu, which has {devices} devices on the CPU"]
    if strategy.divides_gpu:
        instead.append(f"or give --virtual-devices, which puts {devices} on one GPU")
    elif options.virtual_devices:
        there += f", and {environment.backend} cannot have several devices on one GPU"
    return f"needs {devices} GPUs, {there}: {', '.join(instead)}"
