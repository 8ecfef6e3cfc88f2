"""The random ground: models drawn by a seed, and the faults that are injected in them.

Every model is trained in every configuration without a fault, which gives the clean pairs. Into each go some faults of those
that fit it: one into everything that an environment computes, as if its backend had it, and the others into one
configuration each, as if its strategy had them. Faults that were drawn least so far come first, so that rare ones are not
left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from suite.records import Code, Configuration
from suite.selftest.catalogue import UNKNOWN
from suite.selftest.plan import RANDOM, Expected, Injected, devices_of, places
from suite.selftest.random_models import drawing, faults
from suite.selftest.random_models.choices import Draw
from suite.selftest.random_models.faults import Fitting
from suite.selftest.random_models.recipe import Recipe

SEEDS = 1000  # models of one seed: those of the next one are others
EACH = 8  # faults in a model, if no number is asked for
DEFECT = "-defect"  # ends the name of an environment that has a fault


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Models that share a run folder, so that their environments are started once. `name`: of the folder."""

    name: str
    recipes: tuple[Recipe, ...]
    injected: tuple[Injected, ...]


def batches(
    names: Sequence[str], models: int, sample: int, seed: int, environments: Mapping[str, str], together: int
) -> Iterator[Batch]:
    """`models` models in batches of `together`, with the named faults, or any. `sample`: how many faults in all; 0 for some
    in each model."""
    drawn, counts = Draw(seed), Counter[str]()
    recipes = [drawing.draw(seed * SEEDS + number) for number in range(1, models + 1)]
    each = [sample * (place + 1) // models - sample * place // models if sample else EACH for place in range(models)]
    found = [
        _injected(drawn, recipe, count, names, environments, counts) for recipe, count in zip(recipes, each, strict=True)
    ]
    for first in range(0, models, together):
        last = min(first + together, models)
        yield Batch(
            name=f"random-{seed}-{first + 1}-{last}",
            recipes=tuple(recipes[first:last]),
            injected=tuple(one for several in found[first:last] for one in several),
        )


def _injected(
    drawn: Draw,
    recipe: Recipe,
    count: int,
    names: Sequence[str],
    environments: Mapping[str, str],
    counts: Counter[str],
) -> list[Injected]:
    fitting = [one for one in faults.fitting(recipe) if not names or one.fault in names]
    fitting = [one for one in fitting if places(one.strategies, environments)]
    chosen: list[Injected] = []
    if count > 1 and (of_backend := _rarest(drawn, [one for one in fitting if one.everywhere], counts, 1)):
        chosen.append(_everywhere(drawn, recipe, of_backend[0], environments))
    rest = [one for one in fitting if one.fault not in {other.fault for other in chosen}]
    for one in _rarest(drawn, rest, counts, count - len(chosen)):
        chosen.append(_in_one_place(drawn, recipe, one, environments))
    return chosen


def _rarest(drawn: Draw, fitting: Sequence[Fitting], counts: Counter[str], count: int) -> list[Fitting]:
    """So many faults that were drawn least so far, each with one of its targets."""
    targets: dict[str, list[Fitting]] = {}
    for one in fitting:
        targets.setdefault(one.fault, []).append(one)
    turns = {name: (counts[name], drawn.number()) for name in targets}
    chosen = sorted(targets, key=lambda name: turns[name])[:count]
    counts.update(chosen)
    return [drawn.of(*targets[name]) for name in chosen]


def _in_one_place(drawn: Draw, recipe: Recipe, fault: Fitting, environments: Mapping[str, str]) -> Injected:
    strategy, environment = drawn.of(*places(fault.strategies, environments))
    name = f"{fault.fault}@{fault.target}" if fault.target else fault.fault
    return Injected(
        fault=fault.fault,
        target=fault.target,
        configuration=Configuration(
            scenario=recipe.name, environment=environment, strategy=strategy, devices=devices_of(strategy), fault=name
        ),
        expected=Expected(causes=(fault.cause,), stage=fault.stage, tensor=fault.tensor),
        ground=RANDOM,
    )


def _everywhere(drawn: Draw, recipe: Recipe, fault: Fitting, environments: Mapping[str, str]) -> Injected:
    """As if a backend had it: then the definitions show it, or the hypothesis for which one run is off."""
    _, environment = drawn.of(*places(("single",), environments))
    known = () if fault.cause == UNKNOWN else (fault.cause,)
    return Injected(
        fault=fault.fault,
        target=fault.target,
        configuration=Configuration(
            scenario=recipe.name, environment=f"{environment}{DEFECT}", strategy="single", devices=1
        ),
        expected=Expected(causes=(*known, *_definitions(fault)), stage=fault.stage, tensor=fault.tensor),
        ground=RANDOM,
        original=environment,
    )


def _definitions(fault: Fitting) -> tuple[str, ...]:
    """What departs from its definition."""
    if fault.stage in ("loss", "update"):
        return (f"{Code.DEFINITION} {fault.stage} *",)
    if fault.fault in ("gradient-scaled", "gradient-of-one-tensor"):  # between the gradient and the optimizer
        return (f"{Code.DEFINITION} update *",)
    return (f"{Code.DEFINITION} layer {fault.target or fault.tensor}*",)


def faults_of(environment: str, injected: Sequence[Injected]) -> tuple[tuple[str, str], ...]:
    """(scenario, fault) for each fault that this environment has, as its record says it."""
    return tuple(
        (one.configuration.scenario, f"{one.fault}@{one.target}" if one.target else one.fault)
        for one in injected
        if one.original and one.configuration.environment == environment
    )
