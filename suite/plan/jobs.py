"""Runs as jobs: which share a process, what waits for what, and what need not run again."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from suite.artifacts import names
from suite.artifacts.store import Store
from suite.artifacts.writing import digest_of
from suite.plan.digests import injection_digest, numerics_of, suite_digest
from suite.plan.planning import FROM_STATES, reference_of, trajectory_of
from suite.records import (
    LAYERWISE,
    ORACLE,
    PRECISIONS,
    Configuration,
    Environment,
    FoundScenario,
    Job,
    Plan,
    Provisioned,
    Run,
)


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
