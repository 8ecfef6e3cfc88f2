"""Why `evaluate` may say less than `fit` of the same rows: in training, batch normalization takes the statistics of each
batch, and in an evaluation the moving ones, which are slow to leave their initial values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from suite.runner import models

FIT, EVALUATE = "fit says", "evaluate says"  # facts of a run: of the rows that it trained on last
SHARE, STEPS, MOMENTUM = "initial share of moving statistics", "steps until 1 %", "momentum for 1 %"
LEFT = 0.01  # of the initial values: what no evaluation shows
LAGS = 1.2  # times the loss of fit: below, the weights that moved on explain it


def facts(model: Any, said: Mapping[str, float], evaluated: Mapping[str, np.ndarray], steps: int) -> dict[str, str]:
    """What a run of so many steps says of this, if it shows in the loss; empty if it does not. `said`: by `fit`, of the rows
    that were `evaluated` then."""
    momenta = [float(layer.momentum) for layer in models.batch_norm_layers(model) if layer.trainable]
    share = max((momentum**steps for momentum in momenta), default=0.0)
    loss = float(evaluated["loss"][0]) if "loss" in evaluated else math.nan
    if share <= LEFT or not loss > LAGS * said.get("loss", math.inf):
        return {}
    shared = [name for name in said if name in evaluated and evaluated[name].size == 1]
    return {
        FIT: _listed({name: said[name] for name in shared}),
        EVALUATE: _listed({name: float(evaluated[name][0]) for name in shared}),
        SHARE: f"{share:.0%}",
        STEPS: str(math.ceil(math.log(LEFT) / math.log(max(momenta)))),
        MOMENTUM: f"{LEFT ** (1.0 / steps):.2f}",
    }


def _listed(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in sorted(numbers.items()))
