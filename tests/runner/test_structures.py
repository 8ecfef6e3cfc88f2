"""Structures come apart into leaves with paths, and go together again."""

from __future__ import annotations

from typing import NamedTuple

from suite.runner.structures import leaves, replaced


class Pair(NamedTuple):
    first: int
    second: int


def test_every_leaf_has_its_path() -> None:
    structure = [1, (2, None), {"b": 3, "a": [4]}]
    assert list(leaves(structure)) == [("0", 1), ("1/0", 2), ("1/1", None), ("2/a/0", 4), ("2/b", 3)]
    assert list(leaves(7)) == [("", 7)] and list(leaves([])) == []


def test_leaves_are_replaced_and_the_structure_stays() -> None:
    structure = [1, (2, 3), {"b": 4}, Pair(5, 6)]
    assert replaced(structure, lambda path, leaf: f"{path}={leaf}") == [
        "0=1",
        ("1/0=2", "1/1=3"),
        {"b": "2/b=4"},
        Pair("3/0=5", "3/1=6"),  # type: ignore[arg-type]
    ]
    assert replaced(7, lambda path, leaf: (path, leaf)) == ("", 7)
