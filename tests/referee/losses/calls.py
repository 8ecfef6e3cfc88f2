"""Calls of losses, and values for them."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite.referee.definition import LossCall

RANDOM = np.random.default_rng(20)
NUMBERS, TARGETS = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(4, 3))
PROBABILITIES = RANDOM.dirichlet(np.ones(3), size=4)
DISTRIBUTIONS = RANDOM.dirichlet(np.ones(3), size=4)
CLASSES = np.array([0, 2, 1, 2])
ONE_HOT = np.eye(3)[CLASSES]
BINARY = np.array([[0.0, 1, 1], [1, 1, 0], [0, 0, 1], [0, 1, 0]])


def call(name: str, y_true: Any, y_pred: Any, **more: Any) -> LossCall:
    """A call without reduction, unless `config` says which."""
    config = {"reduction": None} | more.pop("config", {})
    return LossCall(loss=name, config=config, y_true=np.asarray(y_true), y_pred=np.asarray(y_pred, dtype=float), **more)
