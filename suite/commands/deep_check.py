"""parity scenarios check --deep: one training step of each scenario in each environment, and a sentence for each."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from suite.artifacts.store import Store
from suite.commands.choosing import Chosen, Selection, choose
from suite.commands.execution import planned
from suite.commands.options import RecipeOptions, ScenariosOptions
from suite.commands.streams import say
from suite.engine.schedule import NEEDS
from suite.plan.jobs import Jobs
from suite.records import ORACLE, FoundScenario, Job, Outcome, Status
from suite.report.answer import listed

SECONDS = 600  # for one step, data included
RECIPE = RecipeOptions(steps=1, seed=0, reference="torch", virtual_devices=False)


def run(options: ScenariosOptions) -> int:
    """3 if a scenario is broken, 2 if one does not run in an environment.

    Raises:
        UsageError: there is no scenario or environment of a name.
    """
    chosen = choose(
        Selection(
            scenario=options.scenario,
            scenario_path=options.scenario_path,
            environments=options.environments,
            devices=(1,),
            recipe=RECIPE,
        )
    )
    with tempfile.TemporaryDirectory(prefix="parity-check-", ignore_cleanup_errors=True) as folder:
        ended = _ended(chosen, Store(folder))
    failed = False
    for found in chosen.scenarios:
        for sentence, good in sentences(found, ended):
            say(f"{found.scenario.name}: {sentence}")
            failed |= not good
    for wrong in chosen.broken:
        say(f"{wrong.name}: broken: {wrong.reason}  [{wrong.source}]")
    return 3 if chosen.broken else 2 if failed else 0


def _ended(chosen: Chosen, store: Store) -> Mapping[Job, Outcome]:
    """How data, and one step in each environment, ended."""
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


def sentences(found: FoundScenario, ended: Mapping[Job, Outcome]) -> Iterator[tuple[str, bool]]:
    """What became of a scenario, and whether that is good. Environments that fail alike share a sentence."""
    mine = {job: outcome for job, outcome in ended.items() if job.scenario == found.scenario.name}
    prepared = next((one for job, one in mine.items() if job.kind == "prepare"), None)
    if prepared is not None and prepared.status is not Status.COMPLETE:
        yield f"its data or its model cannot be made: {_why(prepared, found)}", False
        return
    trained = [(job.environment.name, one) for job, one in mine.items() if job.kind == "train"]
    runs = [name for name, one in trained if one.status is Status.COMPLETE]
    if runs:
        yield f"one training step runs on {listed(runs)}", True
    failed: dict[str, list[str]] = {}
    for name, outcome in trained:
        if outcome.status is not Status.COMPLETE and not outcome.reason.startswith(NEEDS):
            failed.setdefault(_why(outcome, found), []).append(name)
    for why, names in failed.items():
        yield f"it does not run on {listed(names)}: {why}", False


def _why(outcome: Outcome, found: FoundScenario) -> str:
    """The innermost message, and the line of the user's file that led there, if its log shows one."""
    reason = outcome.reason.strip().partition("\n")[0] or outcome.status.value
    file = re.escape(Path(found.source.location).name)
    lines = re.findall(rf'File "[^"\n]*{file}", line (\d+), in (\S+)', outcome.log)
    if not lines:
        return reason
    number, function = lines[-1]
    return f"{reason} ({found.source.location}:{number}, in {function})"
