"""What the NumPy backend evaluates to: the loss and the accuracy over the rows to evaluate, each replica on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from suite.runner.evaluating import numbers
from suite.runner.numpy_backend import batch_norm_network as network

Arrays = dict[str, np.ndarray]


def evaluated(
    states: Sequence[Mapping[str, np.ndarray]], x: np.ndarray, y: np.ndarray, batch: int, recipe: network.Recipe
) -> Arrays:
    """Replica after replica with its state, on its part of each batch of the rows (rows, features): "loss" and "accuracy",
    float64 (1,)."""
    batches = np.arange(len(x)).reshape(-1, batch)
    right, losses = np.empty(len(x)), np.empty(len(x), x.dtype)
    for state, mine in zip(states, np.array_split(batches, len(states), axis=1), strict=True):
        rows = mine.ravel()
        found = network.predict(state, x[rows], recipe.epsilon, recipe.logits)
        labels = y[rows].astype(int)
        losses[rows] = -np.log(np.maximum(found[np.arange(len(rows)), labels], np.finfo(x.dtype).tiny))
        right[rows] = found.argmax(1) == labels
    return numbers({"loss": losses.mean(), "accuracy": right.mean()})
