"""Rows in any structure have names, and come back from them as they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suite.artifacts import rows

A, B, C = np.zeros((4, 2)), np.ones((4, 3)), np.arange(4)
STRUCTURES: dict[str, tuple[Any, set[str]]] = {
    "one array": (A, {"x"}),
    "a dict": ({"b": B, "a": A}, {"x/a", "x/b"}),
    "a list": ([A, B], {"x/[0]", "x/[1]"}),
    "a tuple": ((A, B, C), {"x/(0)", "x/(1)", "x/(2)"}),
    "eleven": ([A] * 11, {f"x/[{index}]" for index in range(11)}),
    "a list of one": ([A], {"x/[0]"}),
    "nested": ({"a": [A, {"b": B}], "c": (C,)}, {"x/a/[0]", "x/a/[1]/b", "x/c/(0)"}),
}


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    return one is other


@pytest.mark.parametrize(("structure", "names"), STRUCTURES.values(), ids=STRUCTURES)
def test_a_structure_comes_back_from_the_names_of_its_arrays(structure: Any, names: set[str]) -> None:
    flat = rows.flattened(structure, "x")
    assert flat.keys() == names
    shuffled = {name: flat[name] for name in sorted(flat, reverse=True)}
    assert same(structure, rows.restored({**shuffled, "y": C, "xy/a": C}, "x"))


def test_each_entry_can_be_changed_on_the_way() -> None:
    found = rows.restored(rows.flattened({"a": A, "b": [B]}, "y"), "y", lambda array: array[:2].shape)
    assert found == {"a": (2, 2), "b": [(2, 3)]}


@pytest.mark.parametrize("value", [[1, 2, 3], [[1.0, 2.0], [3.0, 4.0]], (0, 1), [np.float32(1), np.float32(2)], "text", 7])
def test_numbers_and_rows_of_numbers_are_one_array(value: Any) -> None:
    assert rows.flattened(value, "y") == {"y": value}


@pytest.mark.parametrize("key", ["a/b", "[0]", "(12)", "", 3])
def test_a_key_that_no_name_can_hold_is_refused(key: Any) -> None:
    with pytest.raises(ValueError, match="x has the key"):
        rows.flattened({key: A}, "x")


def test_rows_are_counted_in_any_structure() -> None:
    arrays = {**rows.flattened({"a": A[:3], "b": B[:3]}, "x"), **rows.flattened((A,), "predict")}
    assert (rows.count(arrays), rows.count(arrays, rows.PREDICT)) == (3, 4)
    assert rows.names_of(arrays, "x") == ["x/a", "x/b"] and rows.restored(arrays, "y") is None
