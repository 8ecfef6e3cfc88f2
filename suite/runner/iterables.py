"""Data that comes in batches (a `tf.data.Dataset`, a `PyDataset`, a `DataLoader`, a generator): read once, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from suite.artifacts.rows import WEIGHT, X, Y
from suite.records import Data, Scenario
from suite.runner import structures

MOST = 1 << 31  # bytes that are read: what comes in batches may never end
BATCHES = 100_000

Parts = dict[str, Any]


def arrays_of(made: Callable[[], Any], scenario: Scenario) -> Data:
    """What `made()` returns as `Data`, with arrays in place of what comes in batches. A batch is what `fit` takes as one:
    (x,), (x, y) or (x, y, sample_weight).

    Raises:
        ValueError: it does not end, is empty, or is not the same when it is made again.
    """
    given = made()
    if isinstance(given, Data) and not _in_parts(given):
        return given
    read, again = _read(given, scenario), _read(made(), scenario)
    if not _same(read, again):
        raise ValueError(
            f"{scenario.name}: data() gives other rows, or another order, when it is called again: give its shuffling and "
            "its random numbers a seed, or leave them out (epochs and shuffle=True shuffle alike on every backend)"
        )
    return read


def _in_parts(data: Data) -> bool:
    return any(_comes_in_batches(getattr(data, purpose)) for purpose in ("validation", "evaluate"))


def _comes_in_batches(value: Any) -> bool:
    """Whether it is no rows themselves, in any form that `fit` takes."""
    several = hasattr(value, "__iter__") or hasattr(value, "__getitem__")
    return several and not isinstance(value, tuple | list | Mapping | str | np.ndarray)


def _read(given: Any, scenario: Scenario) -> Data:
    if not isinstance(given, Data):
        if not _comes_in_batches(given) and not isinstance(given, list):
            raise ValueError(
                f"{scenario.name}: data() returned a {type(given).__name__}, wanted a suite.Data or what gives batches"
            )
        return Data(**_joined(given, scenario))
    others = {
        purpose: tuple(_joined(getattr(given, purpose), scenario).values())
        for purpose in ("validation", "evaluate")
        if _comes_in_batches(getattr(given, purpose))
    }
    return replace(given, **others)


def _joined(batches: Any, scenario: Scenario) -> Parts:
    """The parts of all batches, one after another: x, y and sample_weight, as far as there are any."""
    parts: list[list[Any]] = []
    read, size = 0, 0
    for batch in _batches(batches):
        given = [structures.replaced(part, lambda _, leaf: _array(leaf)) for part in _parts(batch)]
        parts.append(given)
        read, size = read + 1, size + sum(leaf.nbytes for _, leaf in structures.leaves(given))
        if read > BATCHES or size > MOST:
            raise ValueError(
                f"{scenario.name}: data() gave {read} batches with {size / 2**30:.1f} GiB and does not end: take as many as "
                "the run trains on"
            )
    if not parts:
        raise ValueError(f"{scenario.name}: data() gives no batch")
    if len({len(one) for one in parts}) > 1:
        raise ValueError(f"{scenario.name}: batches of data() have different numbers of parts: x, y and sample_weight")
    columns = [_stacked([one[index] for one in parts]) for index in range(len(parts[0]))]
    return dict(zip((X, Y, WEIGHT), columns, strict=False))


def _batches(value: Any) -> Iterator[Any]:
    """One after another; what has a number of batches and gives each by its place, as a PyDataset, may lack an end."""
    if hasattr(value, "__getitem__") and not hasattr(value, "__iter__"):
        number = getattr(value, "num_batches", None)
        return (value[index] for index in range(len(value) if number is None else number))
    return iter(value)


def _parts(batch: Any) -> tuple[Any, ...]:
    return tuple(batch) if isinstance(batch, tuple | list) and 1 <= len(batch) <= 3 else (batch,)


def _array(leaf: Any) -> np.ndarray:
    """A tensor of any framework as an array (rows, ...)."""
    found: np.ndarray = np.asarray(leaf.detach().cpu() if hasattr(leaf, "detach") else leaf)
    return found


def _stacked(parts: list[Any]) -> Any:
    """Structures of arrays, one after another along the rows."""
    each = [dict(structures.leaves(part)) for part in parts]
    return structures.replaced(parts[0], lambda path, _: np.concatenate([one[path] for one in each]))


def _same(a: Data, b: Data) -> bool:
    """Whether all arrays are the same, bit by bit."""
    first, second = (
        dict(structures.leaves([one.x, one.y, one.sample_weight, one.validation, one.evaluate])) for one in (a, b)
    )
    return first.keys() == second.keys() and all(np.array_equal(value, second[name]) for name, value in first.items())
