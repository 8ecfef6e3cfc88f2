"""The factorial: what each factor does to trained weights and predictions, and where that depends on another factor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations, product
from statistics import median

from suite.explain.claims.design import Cell, Variant
from suite.explain.claims.evidence import CellFolder, Side, measured
from suite.judge.equivalence import SAME_SEMANTICS
from suite.records import Effect, Interaction, Spread

MATTERS = 10.0  # a decade: medians over a handful of pairs are within a factor of a few of each other

Levels = tuple[tuple[str, str], ...]  # (factor, level) of every factor, in their order
Pair = tuple[Levels, tuple[str, str], float, float]  # the other factors' levels, the two levels, weights, predictions


def factorial(folder: CellFolder) -> dict[Levels, Side]:
    """Every cell of the factorial that has a result, by its levels."""
    factors = folder.design.factors()
    found = {}
    for levels in product(*factors.values()):
        count, normalization, last, order, seeds = levels
        cell = Cell(
            variant=Variant(normalization=normalization, last_batch=last, order=order, seeds=seeds),
            environment=folder.design.environment,
            devices=1 if count == "one" else folder.design.devices,
        )
        side = folder.side(cell)
        if isinstance(side, Side):
            found[tuple(zip(factors, levels, strict=True))] = side
    return found


def pairs(cells: Mapping[Levels, Side], outputs: str) -> dict[str, list[Pair]]:
    """By factor, every pair of cells that differ in it alone."""
    found: dict[str, list[Pair]] = {}
    for (first, a), (second, b) in combinations(cells.items(), 2):
        apart = [index for index, (one, other) in enumerate(zip(first, second, strict=True)) if one != other]
        if len(apart) != 1:
            continue
        index = apart[0]
        measurement = measured(a, b, outputs)
        if measurement.weights is None or measurement.predictions is None:
            continue
        rest = first[:index] + first[index + 1 :]
        between = (first[index][1], second[index][1])
        found.setdefault(first[index][0], []).append((rest, between, measurement.weights, measurement.predictions))
    return found


def effects(found: Mapping[str, list[Pair]]) -> tuple[Effect, ...]:
    """The main effect of each factor, for each two of its levels."""
    return tuple(effect for factor, group in found.items() for effect in _by_levels(factor, group, ()))


def _by_levels(factor: str, group: list[Pair], given: Levels) -> Iterator[Effect]:
    for levels in dict.fromkeys(pair[1] for pair in group):
        chosen = [pair for pair in group if pair[1] == levels and set(given) <= set(pair[0])]
        if chosen:
            yield Effect(
                factor=factor,
                levels=levels,
                given=given,
                pairs=len(chosen),
                weights=_spread([pair[2] for pair in chosen]),
                predictions=_spread([pair[3] for pair in chosen]),
            )


def _spread(values: list[float]) -> Spread:
    return Spread(median=median(values), smallest=min(values), largest=max(values))


def interactions(found: Mapping[str, list[Pair]]) -> tuple[Interaction, ...]:
    """Where a factor's effect depends on another factor, or on two only together, by at least a decade; the strongest
    first."""
    kept: list[Interaction] = []
    for factor, group in found.items():
        others = [name for name, _ in group[0][0]]
        for levels in dict.fromkeys(pair[1] for pair in group):
            chosen = [pair for pair in group if pair[1] == levels]
            joint = [one for names in combinations(others, 2) if (one := _jointly(factor, chosen, names))]
            shown = {name for one in joint for name in one.by}  # a table of both says what a table of one would
            single = [_interaction(factor, chosen, (name,)) for name in others if name not in shown]
            kept += [*joint, *(one for one in single if one and one.ratio >= MATTERS)]
    return tuple(sorted(kept, key=lambda one: -one.ratio))


def _interaction(factor: str, group: list[Pair], by: tuple[str, ...]) -> Interaction | None:
    given = dict.fromkeys(tuple(one for one in pair[0] if one[0] in by) for pair in group)
    found = tuple(effect for levels in given for effect in _by_levels(factor, group, levels))
    if len(found) < 2:
        return None
    sizes = [max(effect.weights.median, SAME_SEMANTICS) for effect in found]
    return Interaction(by=by, ratio=max(sizes) / min(sizes), effects=found)


def _jointly(factor: str, group: list[Pair], by: tuple[str, str]) -> Interaction | None:
    """Both together: how the effect depends on one of them is itself another at the other's levels."""
    whole = _interaction(factor, group, by)
    if whole is None or whole.ratio < MATTERS:
        return None
    for one, other in (by, by[::-1]):
        ratios = []
        for level in dict.fromkeys(levels for pair in group for levels in pair[0] if levels[0] == one):
            inner = _interaction(factor, [pair for pair in group if level in pair[0]], (other,))
            ratios.append(inner.ratio if inner else 1.0)
        if max(ratios) >= MATTERS and max(ratios) / min(ratios) >= MATTERS and not math.isinf(max(ratios)):
            return whole
    return None
