"""parity plan: shows what compare would run. Unless it is to measure the first steps, it installs and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from suite.artifacts.store import Store
from suite.commands import budget, costs, first_steps, listing
from suite.commands.choosing import choose, selection
from suite.commands.execution import kept_of, planned
from suite.commands.options import PlanOptions
from suite.commands.streams import say
from suite.plan.jobs import Jobs
from suite.records import ORACLE, Configuration


def run(options: PlanOptions) -> int:
    chosen = choose(selection(options), install=options.measure)
    store = Store(options.running.out)
    if options.measure:
        with store.lock():
            costs.keep(store, first_steps.samples(chosen))
    plan = budget.within(planned(chosen), store, chosen, options.running, options.budget, say)
    again = options.running.rerun == "all"
    jobs = Jobs(store, plan, chosen.scenarios, chosen.environments, again=again)
    jobs.settled = {} if again else kept_of(store, plan, chosen, jobs)
    waiting = jobs.first()
    _show(tuple(dict.fromkeys(run.configuration for run in plan.runs if run.configuration.strategy != ORACLE)))
    for one, status, reason in plan.refused:
        if one.kind == "plain":
            say(f"not run: {one.configuration.id}: {status.value}: {reason}")
    for broken in chosen.broken:
        say(f"broken: {broken.name}: {broken.reason}  [{broken.source}]")
    for name, packages in chosen.missing.items():
        say(f"environment {name} would be made first: installing {packages}")
    say(f"{len(plan.runs)} runs in {len(waiting)} processes, {len(jobs.reused)} already there; plan {plan.digest[:12]}")
    processes = max(1, min(options.running.processes, len(waiting)))
    listing.say_all(costs.sentences(store, plan, waiting, processes=processes, keep=options.keep))
    return 0


def _show(configurations: Sequence[Configuration]) -> None:
    """As a table: a row for each scenario, a column for each environment, in the plan's order; in the cells, strategies."""
    scenarios = dict.fromkeys(one.scenario for one in configurations)
    environments = dict.fromkeys(one.environment for one in configurations)
    strategies: dict[tuple[str, str], list[str]] = {}
    for one in configurations:
        strategies.setdefault((one.scenario, one.environment), []).append(f"{one.strategy}-x{one.devices}")
    rows = [(row, *(", ".join(strategies.get((row, column), ())) for column in environments)) for row in scenarios]
    listing.show(("scenario", *environments), rows, (one.id for one in configurations))
