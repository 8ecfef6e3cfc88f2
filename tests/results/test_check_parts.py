"""The parts that the difference of a check can be composed of."""

from __future__ import annotations

from suite import compare
from suite.records import Cause, Component, Floats, Link
from suite.results.check_parts import relevant

BY_DESIGN = Cause(code="by-design")


def part(link: Link, *quantities: str) -> Component:
    return Component(link=link, environment="torch", distances=dict.fromkeys(quantities, 0.1), causes=(BY_DESIGN,))


STRATEGY = part(Link.STRATEGY, compare.WEIGHTS, compare.PREDICTIONS)
BACKEND = part(Link.BACKEND, compare.PREDICTIONS)
FILE = part(Link.FILE, compare.WEIGHTS)


def left(kind: str, *parts: Component, apart: tuple[str, ...] = ()) -> list[Floats]:
    return [one.distances for one in relevant(parts, kind, apart)]


def test_between_replicas_a_strategy_counts_in_everything() -> None:
    assert left("replica", STRATEGY) == [STRATEGY.distances]


def test_a_file_holds_what_training_left_right_or_wrong() -> None:
    assert left("saved", STRATEGY, FILE) == [{compare.PREDICTIONS: 0.1}, FILE.distances]


def test_a_file_that_was_loaded_with_a_different_state_explains_what_it_predicts() -> None:
    assert left("reloaded", BACKEND, FILE) == [BACKEND.distances, FILE.distances]
    assert left("reloaded", BACKEND, FILE, apart=(compare.WEIGHTS, compare.PREDICTIONS)) == [{}, FILE.distances]
    assert left("saved", BACKEND, apart=(compare.PREDICTIONS,)) == [BACKEND.distances]
