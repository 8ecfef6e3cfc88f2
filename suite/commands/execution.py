"""What a command has run: chooses, provisions, plans, and drives the engine."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from suite.artifacts.store import Store
from suite.commands import costs, listening
from suite.commands.options import CompareOptions, EnvironmentOptions, RecipeOptions, RunOptions
from suite.engine import devices, plugins, provision
from suite.engine.dispatch import Engine
from suite.engine.local import Local
from suite.engine.sites import Site
from suite.explain.claims import design as designing
from suite.plan import discover, environments, locations, planning, variants
from suite.plan.jobs import Jobs
from suite.records import (
    ORACLE,
    Broken,
    Environment,
    FoundScenario,
    Job,
    KeptVerdicts,
    Options,
    Outcome,
    Plan,
    Provisioned,
    Run,
    ScenarioRow,
    Session,
    Status,
    Strategy,
    UsageError,
    showing,
    unknown_name,
)
from suite.results import kept_verdicts
from suite.results.study import Study


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What is to be trained, and where. `scenario`: names; without any, all. `fail_on`: the gate of the plan. `only_one`: of
    all scenarios the first of the user's, else the first."""

    scenario: tuple[str, ...]
    scenario_path: tuple[Path, ...]
    environments: EnvironmentOptions
    devices: tuple[int, ...]
    recipe: RecipeOptions
    fail_on: str = "different"
    seeds: int = 0
    only_one: bool = False


def selection(options: CompareOptions) -> Selection:
    return Selection(
        scenario=options.scenario,
        scenario_path=options.scenario_path,
        environments=options.environments,
        devices=options.devices,
        recipe=options.trained,
        fail_on=options.fail_on,
        seeds=options.seeds,
        only_one=options.smoke,
    )


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a selection comes to. `missing`: what would have to be installed, by environment, where nothing may be.
    `folder` keeps the environments. `site`: where it runs."""

    scenarios: tuple[FoundScenario, ...]
    broken: tuple[Broken, ...]
    strategies: Mapping[str, Strategy]
    environments: Mapping[str, Provisioned]
    options: Options
    gpus: int
    folder: Path
    site: Site
    missing: Mapping[str, str] = field(default_factory=dict)


def choose(selected: Selection, site: Site | None = None, *, install: bool = True) -> Chosen:
    """Finds what is selected and makes its environments ready. Every name is checked before that, which may take minutes.
    `site`: where it is to run; by default, on this machine.

    Raises:
        UsageError: there is nothing of a name.
        UnavailableDevice: a GPU is wanted and there is none.
        ProvisionError: a plugin cannot be installed.
    """
    site = site or Local()
    gpus = site.gpus()
    device = devices.resolve(selected.environments.device, gpus)
    if passed_over := site.passed_over(selected.environments.device):
        say(passed_over)
    if device == "cpu" and max(selected.devices) > (os.cpu_count() or 1):
        say(f"{max(selected.devices)} virtual devices on {os.cpu_count()} processors: expect it to be slow")
    chosen = wanted(selected.environments, gpus)
    _check_reference(selected.recipe.reference, selected.environments)
    if install:
        plugins.add(selected.environments.plugin, selected.environments.environments_folder, say)
    scenarios, broken = _scenarios(selected)
    strategies, broken_strategies = discover.strategies()
    missing: Mapping[str, str] = {}
    needed = tuple(dict.fromkeys(one for found in scenarios for one in found.scenario.requirements))
    if install:
        ready = provisioned(selected.environments, chosen, device, needed, site)
    else:
        ready, missing = _looked_at(selected.environments, chosen, device, needed)
    return Chosen(
        scenarios=scenarios,
        broken=(*broken, *broken_strategies),
        strategies=strategies,
        environments=ready,
        options=Options(
            device=device,
            devices=selected.devices,
            steps=selected.recipe.steps,
            seed=selected.recipe.seed,
            seeds=selected.seeds,
            reference=selected.recipe.reference,
            gate=selected.fail_on,
            virtual_devices=selected.recipe.virtual_devices,
        ),
        gpus=len(gpus),
        folder=selected.environments.environments_folder,
        site=site,
        missing=missing,
    )


def _scenarios(selected: Selection) -> tuple[tuple[FoundScenario, ...], tuple[Broken, ...]]:
    found, broken = discover.scenarios([locations.SCENARIOS, *selected.scenario_path])
    names = [one.scenario.name for one in found]
    for name in selected.scenario:
        if name not in names and name not in {one.name for one in broken}:
            raise unknown_name("scenario", name, names)
    if selected.only_one and not selected.scenario:
        own = [one for one in found if Path(one.source.location).resolve().parent != locations.SCENARIOS]
        return tuple([*own, *found][:1]), broken
    if not selected.scenario:
        return found, broken
    return (
        tuple(one for one in found if one.scenario.name in selected.scenario),
        tuple(one for one in broken if one.name in selected.scenario),
    )


def _check_reference(reference: str, options: EnvironmentOptions) -> None:
    """One that is not selected is no mistake: the default is not, where only another backend is. Then the first one that is
    ready takes its place."""
    found = environments.environments(options.environments)
    if variants.find(reference, found) is None:
        raise unknown_name("environment for --reference", reference, [one.name for one in found])


def provisioned(
    options: EnvironmentOptions,
    chosen: Sequence[Environment],
    device: str,
    needed: Sequence[str] = (),
    site: Site | None = None,
) -> Mapping[str, Provisioned]:
    """The environments, made ready. `needed`: packages that scenarios import, which go into each beside the plugins.
    `site`: where; by default, on this machine."""
    beside = (*options.plugin, *needed)
    folder = options.environments_folder
    return (site or Local()).provision(chosen, folder=folder, device=device, plugins=beside, report=say)


def _looked_at(
    options: EnvironmentOptions, chosen: Sequence[Environment], device: str, needed: Sequence[str]
) -> tuple[Mapping[str, Provisioned], Mapping[str, str]]:
    folder = options.environments_folder
    if not plugins.are_there(options.plugin, folder):
        say(f"not installed yet: {', '.join(options.plugin)}; its scenarios and strategies are not in this plan")
    return provision.look(chosen, folder=folder, device=device, plugins=(*options.plugin, *needed))


def wanted(options: EnvironmentOptions, gpus: Sequence[str]) -> tuple[Environment, ...]:
    """The environments that are selected, by their names or their backends', as they run on a machine with these GPUs.

    Raises:
        UsageError: there is none of a name.
        UnavailableDevice: a GPU is wanted and there is none.
    """
    return variants.resolved(
        _selected(options),
        device=devices.resolve(options.device, tuple(gpus)),
        gpus=len(gpus),
        precision=options.precision,
        deterministic=options.deterministic,
    )


def _selected(options: EnvironmentOptions) -> list[Environment]:
    """Those of --environment, in its order, and those of --backend; all if neither is given."""
    found = environments.environments(options.environments)
    names = list(dict.fromkeys([*(one.name for one in found), *(one.backend for one in found)]))
    for name in options.backend:
        if name not in names:
            raise unknown_name("backend or environment", name, names)
    selected = []
    for name in options.environment:
        one = variants.find(name, found)
        if one is None:
            raise unknown_name("environment", name, [one.name for one in found])
        selected.append(one)
    if not options.environment and not options.backend:
        return list(found)
    return [*selected, *(one for one in found if one.backend in options.backend or one.name in options.backend)]


def command() -> str:
    """The command that is running, as it was given."""
    return showing.shown(shlex.join(["parity", *sys.argv[1:]]))


def planned(chosen: Chosen) -> Plan:
    return planning.plan(
        chosen.scenarios,
        chosen.environments,
        chosen.strategies,
        chosen.options,
        gpus=chosen.gpus,
        command=command(),
    )


def jobs_of(store: Store, plan: Plan, chosen: Chosen, options: RunOptions) -> Jobs:
    return Jobs(store, plan, chosen.scenarios, chosen.environments, again=options.rerun == "all")


def execute(store: Store, plan: Plan, chosen: Chosen, options: RunOptions) -> Study:
    """Runs everything, then what is asked for to decide and to explain what is open, until nothing is asked for."""
    jobs = jobs_of(store, plan, chosen, options)
    kept = {} if options.rerun == "all" else kept_of(store, plan, chosen, jobs)
    jobs.settled = kept
    outcomes: dict[str, Outcome] = {}
    further: dict[Run, None] = dict.fromkeys(run for one in kept.values() for run in one.further)
    first = jobs.first()
    tell = listening.teller(options, say)
    tell(f"{len(jobs.runs)} runs in {len(first)} processes; {len(jobs.reused)} runs reused from {store.folder}")
    jobs.reused |= further.keys()
    _tell_dropped(jobs, jobs.runs, tell)
    # Before anything runs: `parity report` can show what an interrupted command has done.
    _session(store, plan, chosen, jobs, outcomes, (), tuple(further))
    with _engine(store, chosen, options) as engine:
        ended = _ended(engine, store, first)
        outcomes |= _by_run(first, ended)
        failed = _without_runs(first, ended)
        study = Study(store, plan, _session(store, plan, chosen, jobs, outcomes, failed, tuple(further)), kept)
        while asked_for := [run for run in study.further_runs() if run not in further]:
            further |= dict.fromkeys(asked_for)
            more = jobs.training(asked_for)
            tell(f"{_counted(asked_for, 'further run')} in {_counted(more, 'process', 'processes')} to decide what is open")
            _tell_dropped(jobs, asked_for, tell)
            outcomes |= _by_run(more, _ended(engine, store, more, further=True))
            study.renew(_session(store, plan, chosen, jobs, outcomes, failed, tuple(further)))
        study.renew(_session(store, plan, chosen, jobs, outcomes, failed, tuple(further), finished=True))
    return study


def _counted(found: Sequence[object], one: str, several: str = "") -> str:
    return f"{len(found)} {one if len(found) == 1 else several or f'{one}s'}"


def kept_of(store: Store, plan: Plan, chosen: Chosen, jobs: Jobs) -> Mapping[str, KeptVerdicts]:
    """By scenario: what an earlier command judged, where this one would come to the same."""
    further = tuple(run for one in kept_verdicts.read(store, plan).values() for run in one.further)
    return kept_verdicts.counting(store, plan, described(plan, chosen, jobs, further))


def _tell_dropped(jobs: Jobs, runs: Sequence[Run], tell: Callable[[str], None]) -> None:
    """Why runs are made again that an earlier command has made."""
    if again := jobs.dropped(runs):
        scenarios = ", ".join(dict.fromkeys(run.configuration.scenario for run in again))
        tell(
            f"{len(again)} runs of {scenarios} are made again: what they had left was dropped after it was judged, and this "
            "command asks something else; --keep all keeps everything"
        )


def execute_cells(
    store: Store, plan: Plan, design: designing.Design, chosen: Chosen, options: RunOptions
) -> dict[str, Outcome]:
    """Runs what has not run yet: inputs first, for a scenario without batch normalization is refused.

    Raises:
        UsageError: it has none.
    """
    jobs = jobs_of(store, plan, chosen, options)
    needed = designing.needed(jobs.first(), design)
    inputs = [job for job in needed if job.kind in ("probe", "prepare")]
    rest = [job for job in needed if job not in inputs]
    tell = listening.teller(options, say)
    tell(f"{len(jobs.runs)} runs in {len(needed)} processes; {len(jobs.reused)} runs reused from {store.folder}")
    _tell_dropped(jobs, jobs.runs, tell)
    with _engine(store, chosen, options) as engine:
        _ended(engine, store, inputs)
        if not designing.normalizes(store, design):
            raise UsageError(
                f"{design.base.scenario.name} has no batch normalization, which the claims are about: choose "
                f"another scenario"
            )
        return _by_run(rest, _ended(engine, store, rest))


@contextmanager
def _engine(store: Store, chosen: Chosen, options: RunOptions) -> Iterator[Engine]:
    with (
        listening.display(options) as progress,
        chosen.site.engine(
            chosen.environments,
            folder=store.folder,
            environments=chosen.folder,
            cores=options.jobs,
            timeout=options.timeout,
            jobs_per_gpu=options.jobs_per_gpu,
            listen=listening.listener(options, progress),
        ) as engine,
    ):
        yield engine


def _ended(engine: Engine, store: Store, jobs: Sequence[Job], *, further: bool = False) -> dict[str, Outcome]:
    """How each job ended, by its id. What an earlier command left goes first: a job that dies before it begins its
    artifacts, or never starts, would be taken for complete. `further`: they were asked for after the plan."""
    for job in jobs:
        for artifact in store.made_by(job):
            artifact.discard()
    ended = engine.run(jobs)
    costs.learn(store, jobs, ended, further=further)
    return ended


def _by_run(jobs: Sequence[Job], ended: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """How each run that a job was to execute ended, by run id."""
    return {run.id: ended[job.id] for job in jobs for run in job.runs if job.kind == "train" and job.id in ended}


def _without_runs(jobs: Sequence[Job], ended: Mapping[str, Outcome]) -> tuple[Outcome, ...]:
    """How the jobs ended that execute no run and did not complete, or not at once: without them, less is known than was
    asked for."""
    outcomes = (ended[job.id] for job in jobs if job.kind != "train" and job.id in ended)
    return tuple(outcome for outcome in outcomes if outcome.status is not Status.COMPLETE or outcome.died)


def _session(
    store: Store,
    plan: Plan,
    chosen: Chosen,
    jobs: Jobs,
    outcomes: Mapping[str, Outcome],
    failed: tuple[Outcome, ...],
    further: tuple[Run, ...],
    *,
    finished: bool = False,
) -> Session:
    session = replace(
        described(plan, chosen, jobs, further),
        ended={run: outcome for run, outcome in outcomes.items() if outcome.status is not Status.COMPLETE},
        jobs=failed,
        reused=tuple(run.id for run in jobs.reused),
        finished=finished,
    )
    store.write_session(session, plan)
    return session


def described(plan: Plan, chosen: Chosen, jobs: Jobs, further: tuple[Run, ...]) -> Session:
    """What a command that has run these further runs was about: its session, without what it did."""
    found = {one.scenario.name: one.scenario for one in chosen.scenarios}
    return Session(
        environments=tuple(replace(one, environment=one.environment.shown()) for one in chosen.environments.values()),
        scenarios=tuple(_scenario_row(one) for one in chosen.scenarios),
        broken=chosen.broken,
        declared={
            configuration.id: chosen.strategies[configuration.strategy].semantics(
                found[configuration.scenario], configuration.devices
            )
            for configuration in dict.fromkeys(run.configuration for run in plan.runs)
            if configuration.strategy != ORACLE
        },
        further=further,
        digests=jobs.digests(further),
    )


def _scenario_row(found: FoundScenario) -> ScenarioRow:
    scenario = found.scenario
    return ScenarioRow(
        name=scenario.name,
        description=scenario.description,
        source=str(found.source),
        digest=discover.digest_of(found.source),  # of its code: what `parity repro` looks for
        batch=scenario.batch,
        steps=0 if scenario.epochs else scenario.steps,
        outputs=scenario.outputs,
        epochs=scenario.epochs,
        margins=dict(scenario.margins or {}),
    )


def say(line: str) -> None:
    print(showing.shown(line), flush=True)
