"""What a command has run: chooses, provisions, plans, and drives the engine. The only caller of the engine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from suite.artifacts.store import Store
from suite.engine import devices, provision
from suite.engine.local import Local
from suite.engine.progress import Progress
from suite.explain.claims import design as designing
from suite.plan import discover
from suite.plan import planning as planning
from suite.plan.locations import ROOT
from suite.records import (
    ORACLE,
    Broken,
    Environment,
    FoundScenario,
    Job,
    Options,
    Outcome,
    Plan,
    Provisioned,
    Run,
    ScenarioRow,
    Session,
    Status,
    Strategy,
)
from suite.results.study import Study


class Wrong(Exception):
    """The command line asks for something that is not there; the message says what, and what there is."""


REFUSED = (Wrong, devices.NoGpu)


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What the arguments select."""

    scenarios: tuple[FoundScenario, ...]
    broken: tuple[Broken, ...]
    strategies: Mapping[str, Strategy]
    environments: Mapping[str, Provisioned]
    options: Options
    gpus: int


def choose(given: argparse.Namespace) -> Chosen:
    options = Options(
        devices=given.devices,
        steps=given.steps,
        seed=given.seed,
        seeds=getattr(given, "other_seeds", 0),
        reference=given.reference,
        gate=given.fail_on,
    )
    gpus, environments = provisioned(given)
    found, broken = discover.scenarios([ROOT / "scenarios", *given.scenario_path])
    strategies, broken_strategies = discover.strategies()
    names = [one.scenario.name for one in found]
    if unknown := sorted(set(given.scenario) - set(names) - {one.name for one in broken}):
        raise Wrong(f"no scenario {unknown[0]!r}; there are {', '.join(names)}")
    chosen = tuple(one for one in found if not given.scenario or one.scenario.name in given.scenario)
    there = tuple(one for one in broken if not given.scenario or one.name in given.scenario)
    return Chosen(
        scenarios=chosen,
        broken=(*there, *broken_strategies),
        strategies=strategies,
        environments=environments,
        options=replace(options, device=devices.resolve(given.device, devices.detect_gpus())),
        gpus=gpus,
    )


def provisioned(given: argparse.Namespace) -> tuple[int, Mapping[str, Provisioned]]:
    gpus = devices.detect_gpus()
    device = devices.resolve(given.device, gpus)
    folder = ROOT / ".environments"
    ready = provision.provision(wanted(given), folder=folder, device=device, plugins=given.plugin, report=say)
    return len(gpus), ready


def wanted(given: argparse.Namespace) -> tuple[Environment, ...]:
    """The environments that the arguments select."""
    found = discover.environments(given.environments)
    backends = {one.backend for one in found}
    if unknown := sorted(set(given.backend) - backends - {one.name for one in found}):
        raise Wrong(f"no backend or environment {unknown[0]!r}; there are {', '.join(one.name for one in found)}")
    if given.backend:
        return tuple(one for one in found if one.backend in given.backend or one.name in given.backend)
    return found


def planned(chosen: Chosen) -> Plan:
    return planning.plan(
        chosen.scenarios,
        chosen.environments,
        chosen.strategies,
        chosen.options,
        gpus=chosen.gpus,
        command="parity " + " ".join(sys.argv[1:]),
    )


def run(store: Store, plan: Plan, chosen: Chosen, given: argparse.Namespace) -> Study:
    """Runs everything, then what is asked for to decide and to explain what is open, until nothing is asked for."""
    jobs = planning.Jobs(store, plan, chosen.scenarios, chosen.environments, again=given.rerun == "all")
    outcomes: dict[str, Outcome] = {}
    further: dict[Run, None] = {}
    first = jobs.first()
    say(f"{len(jobs.runs)} runs in {len(first)} processes; {len(jobs.reused)} runs reused from {store.folder}")
    with Local(
        chosen.environments,
        folder=store.folder,
        cores=given.jobs,
        timeout=given.timeout,
        gpus=chosen.gpus,
        listen=Progress(),
        cache=ROOT / ".environments" / "compiled",
    ) as engine:
        outcomes |= _by_run(first, _ended(engine, store, first))
        study = Study(store, plan, _session(store, plan, chosen, jobs, outcomes, ()))
        while wanted := [run for run in study.further_runs() if run not in further]:
            further |= dict.fromkeys(wanted)
            more = jobs.training(wanted)
            say(f"{len(wanted)} further runs decide what is open")
            outcomes |= _by_run(more, _ended(engine, store, more))
            study.renew(_session(store, plan, chosen, jobs, outcomes, tuple(further)))
    return study


def run_cells(
    store: Store, plan: Plan, design: designing.Design, chosen: Chosen, given: argparse.Namespace
) -> dict[str, Outcome]:
    """Runs what has not run yet: inputs first, for a scenario without batch normalization is refused."""
    jobs = planning.Jobs(store, plan, chosen.scenarios, chosen.environments, again=given.rerun == "all")
    needed = designing.needed(jobs.first(), design)
    inputs = [job for job in needed if job.kind in ("probe", "prepare")]
    rest = [job for job in needed if job not in inputs]
    say(f"{len(jobs.runs)} runs in {len(needed)} processes; {len(jobs.reused)} runs reused from {store.folder}")
    with Local(
        chosen.environments,
        folder=store.folder,
        cores=given.jobs,
        timeout=given.timeout,
        gpus=chosen.gpus,
        listen=Progress(),
        cache=ROOT / ".environments" / "compiled",
    ) as engine:
        _ended(engine, store, inputs)
        if not designing.normalizes(store, design):
            raise Wrong(
                f"{given.scenario[0]} has no batch normalization, which the claims are about: choose another scenario"
            )
        return _by_run(rest, _ended(engine, store, rest))


def _ended(engine: Local, store: Store, jobs: Sequence[Job]) -> dict[str, Outcome]:
    """How each job ended, by its id. What an earlier command left goes first: a job that dies before it begins its artifacts,
    or never starts, would be taken for complete."""
    for job in jobs:
        for artifact in store.made_by(job):
            artifact.discard()
    return engine.run(jobs)


def _by_run(jobs: Sequence[Job], ended: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """How each run that a job was to execute ended, by run id."""
    return {run.id: ended[job.id] for job in jobs for run in job.runs if job.kind == "train" and job.id in ended}


def _session(
    store: Store,
    plan: Plan,
    chosen: Chosen,
    jobs: planning.Jobs,
    outcomes: Mapping[str, Outcome],
    further: tuple[Run, ...],
) -> Session:
    found = {one.scenario.name: one.scenario for one in chosen.scenarios}
    session = Session(
        environments=tuple(chosen.environments.values()),
        scenarios=tuple(_scenario_row(one) for one in chosen.scenarios),
        broken=chosen.broken,
        declared={
            configuration.id: chosen.strategies[configuration.strategy].semantics(
                found[configuration.scenario], configuration.devices
            )
            for configuration in dict.fromkeys(run.configuration for run in plan.runs)
            if configuration.strategy != ORACLE
        },
        ended={run: outcome for run, outcome in outcomes.items() if outcome.status is not Status.COMPLETE},
        further=further,
        reused=tuple(run.id for run in jobs.reused),
    )
    store.write_session(session)
    return session


def _scenario_row(found: FoundScenario) -> ScenarioRow:
    scenario = found.scenario
    return ScenarioRow(
        name=scenario.name,
        description=scenario.description,
        source=str(found.source),
        digest=found.digest,
        batch=scenario.batch,
        steps=scenario.steps,
        outputs=scenario.outputs,
    )


def say(line: str) -> None:
    print(line, flush=True)
