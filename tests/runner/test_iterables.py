"""Batches that are read into arrays, and those that cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest

from suite.records import Data, Scenario
from suite.runner import iterables


def nothing() -> Data:
    raise AssertionError("nothing is called")


SCENARIO = Scenario(name="mine", description="d", model=nothing, data=nothing, optimizer=nothing, loss="mse", batch=4)
X, Y = np.arange(10.0).reshape(5, 2), np.arange(5)


def batches() -> Iterator[Any]:
    yield {"a": X[:3]}, Y[:3], Y[:3] + 1.0
    yield {"a": X[3:]}, Y[3:], Y[3:] + 1.0


class Numbered:
    """Has no end, as a PyDataset."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        return X[index * 2 : index * 2 + 2], Y[index * 2 : index * 2 + 2]


class Tensor:
    """As a framework has them."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> np.ndarray:
        return self.values


def test_batches_are_put_together() -> None:
    found = iterables.arrays_of(batches, SCENARIO)
    assert np.array_equal(found.x["a"], X) and np.array_equal(found.y, Y)  # type: ignore[arg-type, call-overload]
    assert np.array_equal(found.sample_weight, Y + 1.0)  # type: ignore[arg-type]


def test_batches_by_their_place_and_tensors_are_read() -> None:
    found = iterables.arrays_of(Numbered, SCENARIO)
    assert np.array_equal(found.x, X[:4]) and np.array_equal(found.y, Y[:4])  # type: ignore[arg-type]
    alone = iterables.arrays_of(lambda: [(Tensor(X[:2]),), (Tensor(X[2:]),)], SCENARIO)
    assert np.array_equal(alone.x, X) and alone.y is None  # type: ignore[arg-type]


def test_rows_to_validate_on_may_come_in_batches_too() -> None:
    data = Data(x=X, y=Y)
    found = iterables.arrays_of(lambda: replace(data, validation=iter([(X[:2], Y[:2]), (X[2:], Y[2:])])), SCENARIO)
    assert found.validation is not None and found.x is X
    assert np.array_equal(found.validation[0], X) and np.array_equal(found.validation[1], Y)


def test_data_is_not_made_twice() -> None:
    made = []
    data = iterables.arrays_of(lambda: made.append(1) or Data(x=X, y=Y, validation=(X, Y)), SCENARIO)  # type: ignore[func-returns-value]
    assert data.x is X and made == [1]


RANDOM = np.random.default_rng(0)
REFUSED: dict[str, tuple[Any, str]] = {
    "random": (lambda: [(RANDOM.random((2, 2)), Y[:2])], "mine: data() gives other rows, or another order, when it is"),
    "endless": (
        lambda: ((X, Y) for _ in count()),
        "mine: data() gave 4 batches with 0.0 GiB and does not end: ",
    ),
    "empty": (list, "mine: data() gives no batch"),
    "uneven": (lambda: [(X, Y), (X,)], "mine: batches of data() have different numbers of parts"),
    "a number": (lambda: 3, "mine: data() returned a int, wanted a suite.Data or what gives batches"),
    "an array": (lambda: X, "mine: data() returned a ndarray, wanted a suite.Data or what gives batches"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_is_a_sentence(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iterables, "BATCHES", 3)
    made, words = REFUSED[what]
    with pytest.raises(ValueError) as raised:
        iterables.arrays_of(made, SCENARIO)
    assert str(raised.value).startswith(words)
