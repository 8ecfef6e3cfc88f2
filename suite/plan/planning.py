"""Everything that is to run, decided before anything runs: runs, what is refused with its reason, and the jobs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from suite.artifacts import names
from suite.artifacts.store import Store, digest_of, file_digest
from suite.plan.locations import SUITE
from suite.plan.variants import SEPARATOR, base_name
from suite.records import (
    LAYERWISE,
    ORACLE,
    PRECISIONS,
    SINGLE_STEP,
    Configuration,
    Emulation,
    Environment,
    FoundScenario,
    Job,
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

PERMUTED = 3  # one re-rounded run alone says little: three bound the envelope (false alarms 2 to 9 % with one side only)
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
                for strategy in _driving(strategies, environment.environment.backend, devices):
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


def _driving(strategies: Mapping[str, Strategy], backend: str, devices: int) -> list[Strategy]:
    return [one for one in strategies.values() if backend in one.backends and not one.refuse(devices)]


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


# What a worker imports of the suite, but for the faults that some runs ask for: a test holds this list against a real
# worker.
WORKER = (
    "__init__.py", "records", "artifacts", "runner", "plan/__init__.py", "plan/discover.py", "plan/locations.py",
    "plan/strategies.py", "plan/trial.py", "plan/validation.py", "engine/__init__.py", "engine/processes.py",
)  # fmt: skip
INJECTION = ("selftest/__init__.py", "selftest/injection")


def suite_digest(suite: Path = SUITE) -> str:
    """The sha256 of what makes a result: all that a worker imports of the suite."""
    return _digest_of_files(suite, WORKER)


def injection_digest(suite: Path = SUITE) -> str:
    """The sha256 of the faults that can be injected."""
    return _digest_of_files(suite, INJECTION)


def digest_of_code(packages: Sequence[str], suite: Path = SUITE) -> str:
    """The sha256 of the Python files of these packages of the suite."""
    return _digest_of_files(suite, packages)


def source_files(suite: Path, places: Sequence[str]) -> list[Path]:
    """The Python files at these places of the suite: files, and packages with everything in them."""
    return sorted(
        file for place in places for file in ([suite / place] if place.endswith(".py") else (suite / place).rglob("*.py"))
    )


def _digest_of_files(suite: Path, places: Sequence[str]) -> str:
    return digest_of([(path.relative_to(suite).as_posix(), file_digest(path)) for path in source_files(suite, places)])


class Jobs:
    """Turns runs into jobs: which share a process, what waits for what, and what need not run again. Nothing of scenarios
    that are `settled` runs: what was judged of them counts, also where parts of it were dropped."""

    def __init__(
        self,
        store: Store,
        plan: Plan,
        scenarios: Iterable[FoundScenario],
        environments: Mapping[str, Provisioned],
        *,
        again: bool = False,
    ) -> None:
        self._store, self._plan, self._again = store, plan, again
        self._scenarios = {found.scenario.name: found for found in scenarios}
        self._environments = environments
        self._suite, self._injection = suite_digest(), injection_digest()
        refused = {run for run, _, _ in plan.refused}
        self.runs = tuple(run for run in plan.runs if run not in refused)
        self.reused: set[Run] = set()
        self.settled: Collection[str] = ()

    def reference(self) -> str:
        return reference_of(self._environments, self._plan.options)

    def digest(self, run: Run) -> str:
        """Equal digests, equal results: the scenario, the environment, the suite, the inputs and the options. The code
        of faults counts for a run with one only."""
        options, scenario = self._plan.options, run.configuration.scenario
        of_backend = self._environments[run.configuration.environment].environment.fault_in(scenario)
        injected = [self._injection, of_backend] if of_backend or run.configuration.fault else []
        return digest_of(
            *injected,
            self._inputs_digest(scenario),
            self._environments[run.configuration.environment].digest,
            # All oracles of a scenario share a job; what they emulate is in their ids.
            ORACLE if run.emulates else run.configuration,
            (options.steps, options.threads, options.virtual_devices),
            numerics_of(self._environments[run.configuration.environment].environment),
        )

    def _digest_alone(self, environment: str) -> str:
        """Of what no scenario is part of."""
        provisioned = self._environments[environment]
        return digest_of(self._suite, provisioned.digest, numerics_of(provisioned.environment))

    def _inputs_digest(self, scenario: str) -> str:
        found = self._scenarios[scenario]
        reference = self._environments[self.reference()].digest
        return digest_of(self._suite, found.digest, reference, self._plan.options.seed, self._plan.options.seeds)

    def first(self) -> list[Job]:
        """Probes, inputs, training and reloading of everything that is not there yet."""
        if not self.runs:
            return []
        jobs = [*self._probes(), *self._prepares()]
        for scenario in dict.fromkeys(run.configuration.scenario for run in self.runs):
            runs = [run for run in self.runs if run.configuration.scenario == scenario]
            training = sorted(self.training(runs), key=lambda job: job.strategy != ORACLE)
            jobs += training
            if scenario not in self.settled:
                jobs += self._reloads([run for run in runs if run.variation == "plain"], training)
        return jobs

    def training(self, runs: Iterable[Run], *, trajectory: str = "") -> list[Job]:
        """One job for the float32 runs of a configuration, one for its float64 run: they share a process and a compiled
        step. `trajectory`: id of the run whose states single-step comparisons start from; without one, the scenario's
        first oracle."""
        grouped: dict[tuple[Configuration, str, str, int], list[Run]] = {}
        for run in runs:
            if run.configuration.scenario in self.settled or self._reusable(run):
                self.reused.add(run)
                continue
            configuration = replace(run.configuration, devices=1) if run.emulates else run.configuration
            together = run.precision == "float32" and run.variation not in FROM_STATES
            apart = (run.variation, run.index if run.variation == LAYERWISE else 1)
            grouped.setdefault((configuration, run.precision, *(("", 1) if together else apart)), []).append(run)
        return [
            self._job(
                "train",
                configuration.environment,
                scenario=configuration.scenario,
                strategy=configuration.strategy,
                devices=configuration.devices,
                precision=precision,
                runs=tuple(members),
                digest=self.digest(members[0]),
                trajectory=(trajectory or self._trajectory(configuration.scenario)) if variation in FROM_STATES else "",
                needs=(f"prepare/{configuration.scenario}",),
            )
            for (configuration, precision, variation, _), members in grouped.items()
        ]

    def _reusable(self, run: Run) -> bool:
        return not self._again and self._store.run(run).complete(self.digest(run))

    def dropped(self, runs: Iterable[Run]) -> list[Run]:
        """Those of the runs that are made again, or their files loaded again, only because parts were dropped."""
        open_ones = [run for run in runs if run.configuration.scenario not in self.settled and not self._again]
        return [run for run in open_ones if self._is_dropped(run)]

    def _is_dropped(self, run: Run) -> bool:
        manifest = self._store.run(run).manifest()
        if manifest is None or manifest.digest != self.digest(run):
            return False
        around = (artifact.manifest() for artifact in self._store.around(run, self._environments))
        return any(one.dropped for one in around if one)

    def _trajectory(self, scenario: str) -> str:
        run = trajectory_of(self._plan, scenario, lambda one: self._store.run(one).complete(self.digest(one)))
        return run.id if run else ""

    def _probes(self) -> list[Job]:
        jobs = []
        for name in dict.fromkeys(run.configuration.environment for run in self.runs):
            digest = self._digest_alone(name)
            if self._again or not self._store.probe(name).complete(digest):
                jobs.append(self._job("probe", name, digest=digest))
        return jobs

    def _prepares(self) -> list[Job]:
        jobs = []
        for scenario in dict.fromkeys(run.configuration.scenario for run in self.runs):
            digest = self._inputs_digest(scenario)
            if self._again or not self._store.inputs(scenario).complete(digest):
                job = self._job("prepare", self.reference(), scenario=scenario, digest=digest)
                jobs.append(replace(job, elsewhere=self._others(self.reference())))
        return jobs

    def _others(self, name: str) -> tuple[Environment, ...]:
        """The other environments that are there, in their order: each can do what belongs to no environment."""
        there = (one.environment for one in self._environments.values() if not one.reason)
        return tuple(environment for environment in there if environment.name != name)

    def _reloads(self, runs: Sequence[Run], training: Sequence[Job]) -> list[Job]:
        jobs = []
        for name in dict.fromkeys(run.configuration.environment for run in runs):
            for precision in PRECISIONS:
                digest = self._digest_alone(name)
                wanted = tuple(
                    run
                    for run in runs
                    if run.precision == precision
                    and (not run.configuration.fault or run.configuration.environment == name)
                    and (run not in self.reused or not self._reloaded(run, name, digest))
                )
                if wanted:
                    after = tuple(job.id for job in training if job.precision == precision)
                    scenario = wanted[0].configuration.scenario
                    job = self._job("reload", name, scenario=scenario, digest=digest, needs=(f"prepare/{scenario}",))
                    jobs.append(replace(job, precision=precision, runs=wanted, after=after))
        return jobs

    def _reloaded(self, run: Run, environment: str, digest: str) -> bool:
        """Whether every file of the run that is loaded in this environment was: elsewhere, only the whole model is."""
        saved = self._store.run(run).manifest()
        forms = names.forms(saved, own=run.configuration.environment == environment)
        artifacts = [(form, self._store.reload(run, environment, form)) for form in forms]
        return all(artifact.complete(digest) and artifact.is_of(saved, form) for form, artifact in artifacts)

    def digests(self, further: Iterable[Run] = ()) -> dict[str, str]:
        """Place of an artifact -> its digest: of probes, runs, and files loaded again, `further` runs too."""
        runs = dict.fromkeys([*self.runs, *further])
        alone = {name: self._digest_alone(name) for name in {run.configuration.environment for run in runs}}
        found = {self._store.probe(name).where: digest for name, digest in alone.items()}
        for run in runs:
            found[self._store.run(run).where] = self.digest(run)
            if run.variation == "plain":
                for form, (name, digest) in itertools.product(names.FORMS, alone.items()):
                    found[self._store.reload(run, name, form).where] = digest
        return found

    def _job(self, kind: str, environment: str, **fields: object) -> Job:
        scenario = str(fields.get("scenario", ""))
        chosen = self._environments[environment].environment
        job = Job(
            kind=kind,
            run_folder=str(self._store.folder.resolve()),
            environment=chosen,
            options=self._plan.options,
            source=self._scenarios[scenario].source if scenario else None,
        )
        return replace(job.moved(chosen), **fields)  # type: ignore[arg-type]


def numerics_of(environment: Environment) -> tuple[str, str, bool]:
    """What of an environment changes numbers, beside its packages and variables."""
    return environment.device, environment.precision, environment.deterministic
