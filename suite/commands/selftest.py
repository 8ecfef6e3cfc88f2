"""parity selftest: injects faults in real runs. What is detected, named and located?"""

from __future__ import annotations

from dataclasses import replace

from suite import report
from suite.artifacts.store import Store, write_text
from suite.commands import conclusion
from suite.commands.execution import Selection, choose, execute, planned, wanted
from suite.commands.options import SelftestOptions
from suite.engine import devices
from suite.plan import locations
from suite.records import UsageError
from suite.selftest import output, score
from suite.selftest import plan as injecting


def run(options: SelftestOptions) -> int:
    """Injects the chosen faults with the first seed; runs what is clean with all of them. 0: the goals are met."""
    if options.keep and not locations.CHECKOUT:
        raise UsageError(
            "--keep writes docs/selftest.json into a checkout, and this keras-parity is installed: leave it out"
        )
    environments = {one.name: one.backend for one in wanted(options.environments, devices.detect_gpus())}
    faults = injecting.chosen(options.fault, options.sample, options.recipe.seed, environments)
    names = injecting.scenarios(faults) if options.fault or options.sample else ()
    scores: list[score.Score] = []
    for seed in range(options.recipe.seed, options.recipe.seed + options.seeds):
        store = Store(options.running.out / f"seed-{seed}")
        with store.lock():
            chosen = choose(
                Selection(
                    scenario=names,
                    scenario_path=(locations.SCENARIOS / "selftest",),
                    environments=options.environments,
                    devices=injecting.device_counts(names),
                    recipe=replace(options.recipe, seed=seed),
                )
            )
            here = faults if not scores else []
            plan = injecting.restricted(planned(chosen), [*here, *injecting.variants(here, environments)])
            store.write_plan(plan)
            results = execute(store, plan, chosen, options.running).results()
        report.render(conclusion.quoting(results), store.folder)
        scores.append(score.score(results, here))
    total = score.together(scores)
    copy = options.running.out / locations.KEPT_SELFTEST.name
    for path in (copy, locations.KEPT_SELFTEST) if options.keep else (copy,):
        write_text(path, output.as_json(total))
    print(output.table(total))
    return 0 if output.passed(total) else 1
