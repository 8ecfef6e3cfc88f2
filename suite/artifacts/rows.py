"""The rows of a scenario, as arrays with names: one array, or dicts, lists and tuples of such, however nested.

An entry of a dict is "<part>/<key>", of a list "<part>/[<index>]", of a tuple "<part>/(<index>)". So the names alone say
which structure Keras is to be given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

X, Y, WEIGHT, PREDICT = "x", "y", "sample_weight", "predict"
VALIDATION, EVALUATE = "validation", "evaluate"  # other rows than those to train on: each has the first three parts
INDEX = re.compile(r"\[(\d+)\]|\((\d+)\)")


def flattened(rows: Any, part: str) -> dict[str, Any]:
    """The entries of `rows` by name; `rows` itself, named as the part, where it is no structure.

    Raises:
        ValueError: a key cannot be part of a name.
    """
    if isinstance(rows, Mapping):
        for key in rows:
            if not isinstance(key, str) or not key or "/" in key or INDEX.fullmatch(key):
                raise ValueError(f"{part} has the key {key!r}, wanted a name without / that is no index in brackets")
        entries = dict(rows)
    elif _is_structure(rows):
        entries = {f"[{index}]" if isinstance(rows, list) else f"({index})": one for index, one in enumerate(rows)}
    else:
        return {part: rows}
    return {name: value for key, one in entries.items() for name, value in flattened(one, f"{part}/{key}").items()}


def _is_structure(value: Any) -> bool:
    """Whether it is several arrays, as Keras would take it; a list of numbers, or of rows of numbers, is one array."""
    if not isinstance(value, list | tuple) or not value:
        return False
    return all(isinstance(one, Mapping) or len(getattr(one, "shape", ())) > 0 or _is_structure(one) for one in value)


def restored(arrays: Mapping[str, Any], part: str, each: Callable[[Any], Any] = lambda value: value) -> Any:
    """The part as it was before `flattened`, with `each` entry; None if there is no such part. Keys of dicts are sorted."""
    if part in arrays:
        return each(arrays[part])
    keys = {name.removeprefix(f"{part}/").partition("/")[0] for name in arrays if name.startswith(f"{part}/")}
    if not keys:
        return None
    indices = {int(found[1] or found[2]): key for key in keys if (found := INDEX.fullmatch(key))}
    entries = {key: restored(arrays, f"{part}/{key}", each) for key in sorted(keys)}
    if not indices:
        return entries
    listed = [entries[indices[index]] for index in sorted(indices)]
    return listed if indices[0].startswith("[") else tuple(listed)


def part_of(part: str, purpose: str = "") -> str:
    """The name of x, y or sample_weight among rows to train on, or among those for another purpose."""
    return f"{purpose}_{part}" if purpose else part


def names_of(arrays: Mapping[str, Any], part: str) -> list[str]:
    """The names of the part's entries."""
    return [name for name in arrays if name.partition("/")[0] == part]


def count(arrays: Mapping[str, Any], part: str = X) -> int:
    """How many rows the part has."""
    return len(arrays[names_of(arrays, part)[0]])
