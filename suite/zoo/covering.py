"""Choices of arguments that cover every pair: two arguments that only together go wrong are found without trying all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

Choice = Mapping[str, Any]
Pair = tuple[tuple[str, int], ...]  # places of two (or three) values

CANDIDATES = 24  # tried for each new choice: more make the set hardly smaller


def covering(
    options: Mapping[str, Sequence[Any]], allowed: Callable[[Choice], bool] = lambda choice: True, strength: int = 2
) -> list[dict[str, Any]]:
    """Choices of one value for each argument, such that any `strength` values of different arguments that are allowed
    together occur together in one of them. The first choice has the first value of each: the defaults.

    Greedy, and always the same for the same options. Pairs that no allowed choice has are left out.
    """
    names = sorted(options)
    if not names:
        return [{}] if allowed({}) else []
    strength = min(strength, len(names))
    first = dict.fromkeys(names, 0)
    chosen = [first] if allowed(_values(first, options)) else []
    open_pairs = dict.fromkeys(_pairs(options, names, strength))
    _close(open_pairs, first if chosen else {}, names, strength)
    while open_pairs:
        wanted = next(iter(open_pairs))
        best = _best(wanted, open_pairs, options, names, allowed, strength)
        if best is None:
            del open_pairs[wanted]  # no allowed choice has it
            continue
        chosen.append(best)
        _close(open_pairs, best, names, strength)
    return [_values(one, options) for one in chosen]


def _pairs(options: Mapping[str, Sequence[Any]], names: list[str], strength: int) -> Iterator[Pair]:
    for several in combinations(names, strength):
        for places in product(*(range(len(options[name])) for name in several)):
            yield tuple(zip(several, places, strict=True))


def _best(
    wanted: Pair,
    open_pairs: Mapping[Pair, None],
    options: Mapping[str, Sequence[Any]],
    names: list[str],
    allowed: Callable[[Choice], bool],
    strength: int,
) -> dict[str, int] | None:
    """Of some allowed choices that have the wanted pair, the one that closes most open ones."""
    best, most = None, 0
    for candidate in _candidates(dict(wanted), options, names):
        if not allowed(_values(candidate, options)):
            continue
        closed = sum(pair in open_pairs for pair in _of(candidate, names, strength))
        if closed > most:
            best, most = candidate, closed
    return best


def _candidates(
    fixed: Mapping[str, int], options: Mapping[str, Sequence[Any]], names: list[str]
) -> Iterator[dict[str, int]]:
    """Choices with these values: the other arguments at their defaults, then each stepping through its values."""
    yield {name: fixed.get(name, 0) for name in names}
    for turn in range(CANDIDATES):
        yield {
            name: fixed.get(name, (turn * (place + 1) + turn // (place + 2)) % len(options[name]))
            for place, name in enumerate(names)
        }
    free = [name for name in names if name not in fixed]
    for places in product(*(range(len(options[name])) for name in free[:3])):
        yield {**dict.fromkeys(names, 0), **fixed, **dict(zip(free[:3], places, strict=True))}


def _of(choice: Mapping[str, int], names: list[str], strength: int) -> Iterator[Pair]:
    return (tuple((name, choice[name]) for name in several) for several in combinations(names, strength))


def _close(open_pairs: dict[Pair, None], choice: Mapping[str, int], names: list[str], strength: int) -> None:
    if choice:
        for pair in _of(choice, names, strength):
            open_pairs.pop(pair, None)


def _values(choice: Mapping[str, int], options: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return {name: options[name][place] for name, place in choice.items()}
