"""Several updates in a row, from a new optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from suite.referee.definition import Array, Update, Updated
from suite.referee.optimizers import update

RANDOM = np.random.default_rng(11)
KERNEL = RANDOM.normal(size=(3, 2))
GRADIENTS = [RANDOM.normal(size=(3, 2)) for _ in range(6)]
ADAM = {"beta_1": 0.75, "beta_2": 0.875, "epsilon": 1e-3}


def chain(
    optimizer: str, config: dict[str, Any], gradients: Sequence[Any] = GRADIENTS, start: Any = KERNEL, rate: float = 0.125
) -> list[Updated]:
    """The results of one update after another. Gradients and start: arrays for one variable "kernel", or by name."""
    variables = start if isinstance(start, dict) else {"kernel": np.asarray(start, dtype=float)}
    results: list[Updated] = []
    slots: dict[str, Array] = {}
    for number, gradient in enumerate(gradients):
        asked = Update(
            optimizer=optimizer,
            config=config,
            iteration=int(slots.get("optimizer/iteration", np.array(number))),
            learning_rate=rate,
            variables=variables,
            gradients=gradient if isinstance(gradient, dict) else {"kernel": np.asarray(gradient, dtype=float)},
            slots=slots,
        )
        results.append(update(asked))
        variables, slots = dict(results[-1].variables), dict(results[-1].slots)
    return results


def kernels(results: Sequence[Updated]) -> list[Array]:
    return [result.variables["kernel"] for result in results]
