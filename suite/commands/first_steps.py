"""The first training steps of scenarios, once in each environment, in a folder that nobody else sees: do they run, and how
long does the rest take?"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from suite.artifacts import names, rows
from suite.artifacts.store import Store
from suite.commands.choosing import Chosen
from suite.commands.execution import planned
from suite.plan.jobs import Jobs
from suite.records import ORACLE, Job, Options, Outcome, Scenario, Status
from suite.records.measured import SAMPLED, Sample
from suite.results import dropping

Ended = Mapping[Job, Outcome]
SECONDS = 600  # for the first steps, data included


@contextmanager
def trained(chosen: Chosen, steps: int) -> Iterator[tuple[Store, Ended]]:
    """What so many steps left, and how data and each environment's training ended."""
    few = replace(chosen, options=replace(chosen.options, devices=(1,), steps=steps, seeds=0))
    with tempfile.TemporaryDirectory(prefix="parity-steps-", ignore_cleanup_errors=True) as folder:
        store = Store(folder)
        yield store, _ended(few, store)


def _ended(chosen: Chosen, store: Store) -> Ended:
    whole = planned(chosen)
    plain = (run for run in whole.runs if run.kind == "plain" and run.configuration.strategy != ORACLE)
    plan = replace(whole, runs=tuple(plain))
    jobs = Jobs(store, plan, chosen.scenarios, chosen.environments).first()
    wanted = [job for job in jobs if job.kind in ("prepare", "train")]
    with chosen.site.engine(
        chosen.environments,
        folder=store.folder,
        environments=chosen.folder,
        cores=0,
        timeout=SECONDS,
        jobs_per_gpu=0,
        listen=lambda _: None,
    ) as engine:
        outcomes = engine.run(wanted)
    return {job: outcomes[job.id] for job in wanted}


def samples(chosen: Chosen) -> dict[str, Sample]:
    """By scenario, of those that were trained in at least one environment: what `SAMPLED` steps took."""
    with trained(chosen, SAMPLED) as (store, ended):
        found = {one.scenario.name: _sample(one.scenario, chosen.options, store, ended) for one in chosen.scenarios}
    return {name: sample for name, sample in found.items() if sample is not None}


def _sample(scenario: Scenario, options: Options, store: Store, ended: Ended) -> Sample | None:
    process, step = {}, {}
    for job, outcome in ended.items():
        if job.scenario == scenario.name and job.kind == "train" and outcome.status is Status.COMPLETE and not outcome.died:
            process[job.environment.name] = outcome.seconds
            manifest = store.run(job.runs[0]).manifest()
            step[job.environment.name] = manifest.step_seconds if manifest else 0.0
    sizes = dropping.inputs(store, scenario.name)
    if not process or sizes is None:
        return None
    model, data = sizes
    steps = options.steps or _steps(scenario, store)
    return Sample(device=options.device, steps=steps, model=model, data=data, process=process, step=step)


def _steps(scenario: Scenario, store: Store) -> int:
    """How many steps a scenario trains. Only its data says how many an epoch has."""
    if not scenario.epochs:
        return scenario.steps
    count = rows.count(store.inputs(scenario.name).arrays(names.DATA))
    return math.ceil(count / scenario.batch) * scenario.epochs
