"""parity selftest: injects faults in real runs. What is detected, named and located?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from suite import report
from suite.artifacts.store import Store
from suite.artifacts.writing import digest_of, write_text
from suite.commands import conclusion, places
from suite.commands.choosing import Chosen, Selection, choose, wanted
from suite.commands.execution import execute, planned
from suite.commands.options import SelftestOptions
from suite.commands.streams import say
from suite.engine import devices
from suite.plan import locations
from suite.records import Provisioned, Results, UsageError
from suite.selftest import kept_rates, output, random_ground, score
from suite.selftest import plan as injecting
from suite.selftest.plan import BUILT_IN, GROUNDS, RANDOM, Injected
from suite.selftest.random_ground import Batch
from suite.selftest.random_models import module
from suite.selftest.score import Score

TOGETHER = 5  # models in a run folder: environments start once for them, and judging them takes little memory


def run(options: SelftestOptions) -> int:
    """Measures the grounds that are asked for, one after the other. 0: the goals of all of them are met."""
    if options.keep and not locations.CHECKOUT:
        raise UsageError(
            "--keep writes docs/selftest.json into a checkout, and this keras-parity is installed: leave it out"
        )
    injecting.check_names(options.fault)
    environments = {one.name: one.backend for one in wanted(options.environments, devices.detect_gpus())}
    measure = {BUILT_IN: _built_in, RANDOM: _random}
    scores = [measure[ground](options, environments) for ground in GROUNDS if options.ground in (ground, "both")]
    copy = options.running.out / locations.KEPT_SELFTEST.name
    for path in (copy, locations.KEPT_SELFTEST) if options.keep else (copy,):
        write_text(path, output.as_json(scores, kept_rates.other_grounds(path, scores)))
    for one in scores:
        say(output.table(one))
    return 0 if all(output.passed(one) for one in scores) else 1


# ---------------------------------------------------------------- built-in scenarios


def _built_in(options: SelftestOptions, environments: Mapping[str, str]) -> Score:
    """The chosen faults with the first seed; what is clean with all of them."""
    recipe = options.recipe
    faults = injecting.chosen(options.fault, options.sample, recipe.seed, environments, over_hosts=recipe.over_hosts)
    names = injecting.scenarios(faults) if options.fault or options.sample else ()
    if options.fault and not faults:
        return score.together([], BUILT_IN)  # they are faults of models drawn at random
    scores: list[Score] = []
    for seed in range(options.recipe.seed, options.recipe.seed + options.seeds):
        here = faults if not scores else []
        results = _of_seed(options, environments, names, seed, here)
        scores.append(score.score(results, here))
    return score.together(scores, BUILT_IN)


def _of_seed(
    options: SelftestOptions, environments: Mapping[str, str], names: Sequence[str], seed: int, faults: Sequence[Injected]
) -> Results:
    store = Store(options.running.out / f"seed-{seed}")
    with store.lock(), places.site(options.running) as site:
        chosen = choose(
            Selection(
                scenario=tuple(names),
                scenario_path=(locations.SCENARIOS / "selftest",),
                environments=options.environments,
                devices=injecting.device_counts(names),
                recipe=replace(options.recipe, seed=seed),
            ),
            site,
        )
        return _results(store, chosen, [*faults, *injecting.variants(faults, environments)], options)


# ---------------------------------------------------------------- models drawn at random


def _random(options: SelftestOptions, environments: Mapping[str, str]) -> Score:
    """Batch after batch: what an earlier command has finished is read again, and not run."""
    batches = random_ground.batches(
        options.fault, options.models, options.sample, options.recipe.seed, environments, TOGETHER
    )
    scores = []
    for batch in batches:
        say(f"{batch.name}: {len(batch.recipes)} models, {len(batch.injected)} faults")
        scores.append(score.score(_of_batch(options, batch), batch.injected, RANDOM))
    return score.together(scores, RANDOM)


def _of_batch(options: SelftestOptions, batch: Batch) -> Results:
    store = Store(options.running.out / batch.name)
    with store.lock(), places.site(options.running) as site:
        chosen = choose(
            Selection(
                scenario=tuple(recipe.name for recipe in batch.recipes),
                scenario_path=(_written(store.folder / "scenarios", batch),),
                environments=options.environments,
                devices=(1, injecting.DEVICES),
                recipe=options.recipe,
            ),
            site,
        )
        return _results(store, _with_defects(chosen, batch.injected), batch.injected, options)


def _written(folder: Path, batch: Batch) -> Path:
    """The folder with a scenario file for each model."""
    folder.mkdir(parents=True, exist_ok=True)
    for recipe in batch.recipes:
        write_text(folder / module.file_name(recipe), module.source(recipe))
    return folder


def _with_defects(chosen: Chosen, injected: Sequence[Injected]) -> Chosen:
    """With an environment more for each that has a fault: the same interpreter under a different name."""
    more = {}
    for one in injected:
        if one.original:
            name = one.configuration.environment
            more[name] = _defective(chosen.environments[one.original], name, random_ground.faults_of(name, injected))
    return replace(chosen, environments={**chosen.environments, **more})


def _defective(ready: Provisioned, name: str, faults: tuple[tuple[str, str], ...]) -> Provisioned:
    # The faults are no part of the digest: that of a run has the one of its scenario.
    environment = replace(ready.environment, name=name, faults=faults)
    return replace(ready, environment=environment, digest=digest_of(ready.digest, name))


# ---------------------------------------------------------------- both


def _results(store: Store, chosen: Chosen, injected: Sequence[Injected], options: SelftestOptions) -> Results:
    plan = injecting.restricted(planned(chosen), injected)
    store.write_plan(plan)
    results = execute(store, plan, chosen, options.running).results()
    report.render(conclusion.quoting(results), store.folder)
    return results
