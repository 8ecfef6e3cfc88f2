"""Nested lists, tuples and mappings of arrays: taken apart into leaves, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def leaves(structure: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each leaf with its path: keys and indices, joined by "/". A mapping's keys come in sorted order; the path of a
    structure that is a leaf itself is "". None is a leaf."""
    if isinstance(structure, Mapping):
        for key in sorted(structure):
            yield from leaves(structure[key], f"{path}/{key}".lstrip("/"))
    elif isinstance(structure, list | tuple):
        for index, value in enumerate(structure):
            yield from leaves(value, f"{path}/{index}".lstrip("/"))
    else:
        yield path, structure


def replaced(structure: Any, new: Callable[[str, Any], Any], path: str = "") -> Any:
    """The same structure with `new(path, leaf)` in place of each leaf."""
    if isinstance(structure, Mapping):
        return {key: replaced(structure[key], new, f"{path}/{key}".lstrip("/")) for key in sorted(structure)}
    if isinstance(structure, list | tuple):
        values = [replaced(value, new, f"{path}/{index}".lstrip("/")) for index, value in enumerate(structure)]
        return type(structure)(*values) if hasattr(structure, "_fields") else type(structure)(values)
    return new(path, structure)
