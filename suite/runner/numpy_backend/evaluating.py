"""What the NumPy backend evaluates to: the loss and the accuracy over the rows to evaluate, each replica on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from suite.artifacts.rows import X, Y, part_of
from suite.records import Scenario, shares
from suite.runner.evaluating import numbers
from suite.runner.numpy_backend import batch_norm_network as network


class Rows(Protocol):
    """What has rows: the NumPy backend, or its oracle."""

    scenario: Scenario
    data: Mapping[str, np.ndarray]

    def rows(self, part: str) -> np.ndarray: ...


def evaluated(
    states: Sequence[Mapping[str, np.ndarray]], given: Rows, purpose: str, recipe: network.Recipe
) -> dict[str, np.ndarray]:
    """Replica after replica with its state, on its part of each batch of the rows for this purpose: "loss" and "accuracy",
    float64 (1,). Empty where there are no such rows."""
    if part_of(Y, purpose) not in given.data:
        return {}
    x, y = given.rows(part_of(X, purpose)), given.data[part_of(Y, purpose)].astype(int)
    right, losses = np.empty(len(x)), np.empty(len(x), x.dtype)
    for batch in np.split(np.arange(len(x)), range(given.scenario.batch, len(x), given.scenario.batch)):
        ends = np.cumsum(shares(len(batch), len(states)))[:-1]
        for state, rows in zip(states, np.split(batch, ends), strict=True):
            found = network.predict(state, x[rows], recipe.epsilon, recipe.logits)
            losses[rows] = -np.log(np.maximum(found[np.arange(len(rows)), y[rows]], np.finfo(x.dtype).tiny))
            right[rows] = found.argmax(1) == y[rows]
    return numbers({"loss": losses.mean(), "accuracy": right.mean()})
