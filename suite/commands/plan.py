"""parity plan: shows what compare would run. It installs nothing and writes nothing."""

from __future__ import annotations

from suite.artifacts.store import Store
from suite.commands.execution import choose, planned, say, selection
from suite.commands.options import CompareOptions
from suite.plan import planning
from suite.records import ORACLE


def run(options: CompareOptions) -> int:
    chosen = choose(selection(options), install=False)
    plan = planned(chosen)
    again = options.running.rerun == "all"
    jobs = planning.Jobs(Store(options.running.out), plan, chosen.scenarios, chosen.environments, again=again)
    waiting = jobs.first()
    for configuration in dict.fromkeys(one.configuration for one in plan.runs if one.configuration.strategy != ORACLE):
        say(configuration.id)
    for one, status, reason in plan.refused:
        if one.kind == "plain":
            say(f"not run: {one.configuration.id}: {status.value}: {reason}")
    for broken in chosen.broken:
        say(f"broken: {broken.name}: {broken.reason}  [{broken.source}]")
    for name, packages in chosen.missing.items():
        say(f"environment {name} would be made first: installing {packages}")
    say(f"{len(plan.runs)} runs in {len(waiting)} processes, {len(jobs.reused)} already there; plan {plan.digest[:12]}")
    return 0
