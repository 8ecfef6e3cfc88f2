"""Every pair of values that is allowed together occurs together, in few choices, always the same."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import pytest

from suite.zoo.covering import covering

OPTIONS: dict[str, list[Any]] = {"a": [0, 1, 2], "b": ["x", "y"], "c": [None, True], "d": [1, 2, 3, 4]}


@pytest.mark.parametrize("strength", [1, 2, 3, 4])
def test_every_combination_of_so_many_values_occurs(strength: int) -> None:
    chosen = covering(OPTIONS, strength=strength)
    for names in combinations(OPTIONS, strength):
        seen = {tuple(str(choice[name]) for name in names) for choice in chosen}
        assert len(seen) == len(list(product(*(OPTIONS[name] for name in names))))


def test_pairs_take_far_fewer_choices_than_everything() -> None:
    assert 12 <= len(covering(OPTIONS)) <= 20 < len(covering(OPTIONS, strength=4)) == 48


def test_the_first_choice_has_the_defaults() -> None:
    assert covering(OPTIONS)[0] == {"a": 0, "b": "x", "c": None, "d": 1}


def test_what_is_not_allowed_together_never_occurs_and_the_rest_does() -> None:
    chosen = covering(OPTIONS, lambda choice: not (choice["a"] == 1 and choice["b"] == "y"))
    pairs = {(choice["a"], choice["b"]) for choice in chosen}
    assert pairs == {(0, "x"), (1, "x"), (2, "x"), (0, "y"), (2, "y")}


def test_defaults_that_are_not_allowed_are_left_out() -> None:
    assert all(choice["a"] for choice in covering(OPTIONS, lambda choice: bool(choice["a"])))


def test_a_single_argument_and_none_at_all_have_their_choices() -> None:
    assert covering({"a": [1, 2]}) == [{"a": 1}, {"a": 2}]
    assert covering({}) == [{}]
