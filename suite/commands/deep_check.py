"""parity scenarios check --deep: one training step of each scenario in each environment, and a sentence for each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from suite.commands import first_steps
from suite.commands.choosing import Selection, choose
from suite.commands.options import RecipeOptions, ScenariosOptions
from suite.commands.streams import say
from suite.engine.schedule import NEEDS
from suite.records import FoundScenario, Job, Outcome, Status
from suite.report.answer import listed

RECIPE = RecipeOptions(steps=0, seed=0, reference="torch", virtual_devices=False, over_hosts=False)


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
    failed = False
    with first_steps.trained(chosen, steps=1) as (_, ended):
        for found in chosen.scenarios:
            for sentence, good in sentences(found, ended):
                say(f"{found.scenario.name}: {sentence}")
                failed |= not good
    for wrong in chosen.broken:
        say(f"{wrong.name}: broken: {wrong.reason}  [{wrong.source}]")
    return 3 if chosen.broken else 2 if failed else 0


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
