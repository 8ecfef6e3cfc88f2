"""What a command has run: plans, drives the engine, and keeps the session."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from suite.artifacts.store import Store
from suite.commands import costs, listening
from suite.commands.choosing import Chosen
from suite.commands.options import RunOptions
from suite.engine.dispatch import Engine
from suite.explain.claims import design as designing
from suite.plan import discover, planning
from suite.plan.jobs import Jobs
from suite.records import (
    ORACLE,
    FoundScenario,
    Job,
    KeptVerdicts,
    Outcome,
    Plan,
    Run,
    ScenarioRow,
    Session,
    Status,
    UsageError,
    showing,
)
from suite.results import kept_verdicts
from suite.results.study import Study

Kept = Mapping[str, KeptVerdicts]  # what was judged, by scenario
TOGETHER = 4  # scenarios that run before others do: enough for the cores of a small machine; a larger one takes more


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


def execute(
    store: Store, plan: Plan, chosen: Chosen, options: RunOptions, settle: Callable[[Study], Kept] | None = None
) -> Study:
    """Runs everything, then what is asked for to decide and to explain what is open, until nothing is asked for.

    With `settle`, a few scenarios at a time, so that no disk holds everything at once: before the next ones run, it is given
    the study of those that have run, and returns what was judged of them.
    """
    jobs = jobs_of(store, plan, chosen, options)
    kept = {} if options.rerun == "all" else kept_of(store, plan, chosen, jobs)
    jobs.settled = kept
    outcomes: dict[str, Outcome] = {}
    further: dict[Run, None] = dict.fromkeys(run for one in kept.values() for run in one.further)
    first = jobs.first()
    tell = listening.teller(options)
    tell(f"{len(jobs.runs)} runs in {len(first)} processes; {len(jobs.reused)} runs reused from {store.folder}")
    jobs.reused |= further.keys()
    _tell_dropped(jobs, jobs.runs, tell)
    # Before anything runs: `parity report` can show what an interrupted command has done.
    _session(store, plan, chosen, jobs, outcomes, (), tuple(further))
    failed: tuple[Outcome, ...] = ()
    with _engine(store, chosen, options) as engine:
        open_ones = [one for one in dict.fromkeys(job.scenario for job in first) if one and one not in kept]
        together = max(TOGETHER, engine.cores // 4) if settle else len(open_ones)
        for begin in range(0, len(open_ones) or 1, together or 1):
            group, later = open_ones[begin : begin + together], open_ones[begin + together :]
            begun = [job for job in first if job.scenario in group or (begin == 0 and job.scenario not in open_ones)]
            ended = _ended(engine, store, begun)
            outcomes |= _by_run(begun, ended)
            failed += _without_runs(begun, ended)
            session = _session(store, plan, chosen, jobs, outcomes, failed, tuple(further))
            study = Study(store, plan, session, kept, later, processes=options.processes)
            while asked_for := [run for run in study.further_runs() if run not in further]:
                further |= dict.fromkeys(asked_for)
                more = jobs.training(asked_for)
                processes = _counted(more, "process", "processes")
                tell(f"{_counted(asked_for, 'further run')} in {processes} to decide what is open")
                _tell_dropped(jobs, asked_for, tell)
                outcomes |= _by_run(more, _ended(engine, store, more, further=True))
                study.renew(_session(store, plan, chosen, jobs, outcomes, failed, tuple(further)))
            if settle and later:
                study.renew(replace(study.folder.session, finished=True))  # as far as these are concerned
                kept = {**kept, **settle(study)}
                tell(f"judged {', '.join(group)}; {_counted(later, 'scenario')} left")
        study.renew(_session(store, plan, chosen, jobs, outcomes, failed, tuple(further), finished=True))
    return study


def _counted(found: Sequence[object], one: str, several: str = "") -> str:
    return f"{len(found)} {one if len(found) == 1 else several or f'{one}s'}"


def kept_of(store: Store, plan: Plan, chosen: Chosen, jobs: Jobs) -> Kept:
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
    tell = listening.teller(options)
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
