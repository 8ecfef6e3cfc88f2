"""The numbers that `evaluate` gives: the loss and every metric, over the scenario's rows to evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from suite.artifacts import names, rows
from suite.artifacts.artifact import Recording
from suite.runner import models

Arrays = dict[str, np.ndarray]

AT_A_TIME = "rows evaluated at a time"  # a fact of a run: those that one process takes of each batch


def evaluated(
    model: Any, data: Mapping[str, np.ndarray], index: np.ndarray, batch: int, purpose: str = rows.EVALUATE
) -> Arrays:
    """The loss and every metric over these rows, in batches of so many: name -> float64 (numbers of the metric,)."""
    given = models.training(data, index, purpose)
    return numbers(model.evaluate(**given, batch_size=batch, verbose=0, return_dict=True))


def record(recorded: Recording, model: Any, data: Mapping[str, np.ndarray], index: np.ndarray, batch: int) -> str:
    """Adds the part "evaluation" over these rows. Why it is not there; empty if it is."""
    try:
        recorded.add(names.EVALUATION, evaluated(model, data, index, batch))
    except Exception as error:  # whatever a user's model does here must not cost what is known of it already
        return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
    return ""


def numbers(found: Mapping[str, Any]) -> Arrays:
    """What Keras gives for each name, as float64 (numbers,)."""
    return {name: np.asarray(value, np.float64).reshape(-1) for name, value in found.items()}
