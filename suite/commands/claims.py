"""parity claims: puts the article's claims to the test on one scenario."""

from __future__ import annotations

from dataclasses import replace

from suite import report
from suite.artifacts.store import Store
from suite.commands import places
from suite.commands.choosing import Selection, choose
from suite.commands.execution import command, execute_cells
from suite.commands.options import ClaimsOptions
from suite.commands.streams import say
from suite.explain import claims
from suite.explain.claims import design as designing
from suite.records import BrokenPlugin


def run(options: ClaimsOptions) -> int:
    """0 if every cell has a result or cannot have one, 2 if one failed."""
    store = Store(options.running.out / "claims")
    with store.lock(), places.site(options.running) as site:
        chosen = choose(
            Selection(
                scenario=(options.scenario,),
                scenario_path=options.scenario_path,
                environments=options.environments,
                devices=(1, options.devices),
                recipe=options.recipe,
            ),
            site,
        )
        if chosen.broken and not chosen.scenarios:
            raise BrokenPlugin(f"{chosen.broken[0].name}: {chosen.broken[0].reason}")
        design = designing.design(chosen.scenarios[0], chosen.environments, chosen.options)
        variants = designing.variants(design)
        plan = designing.plan(design, variants, chosen.environments, chosen.strategies, gpus=chosen.gpus, command=command())
        store.write_plan(plan)
        outcomes = execute_cells(store, plan, design, replace(chosen, scenarios=variants), options.running)
        answers = claims.conclude(store, plan, design, outcomes)
    report.claims.write(answers, options.running.out)
    say(report.claims.text(answers))
    say(str(options.running.out / "claims.html"))
    return 2 if any(outcome.status.broken for outcome in outcomes.values()) else 0
