"""Why `evaluate` may say less than `fit` of the same rows: in training, batch normalization takes the statistics of each
batch, and in an evaluation the moving ones, which are slow to leave their initial values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from suite.plan.batches import Schedule
from suite.records import Scenario
from suite.runner import evaluating, models

FIT, EVALUATE = "fit says", "evaluate says"  # facts of a run: of the rows that it trained on last
SHARE, STEPS, MOMENTUM = "initial share of moving statistics", "steps until 1 %", "momentum for 1 %"
SLOW = "slow moving statistics"  # a fact of a run: the layers that have them, where others do not
LEFT = 0.01  # of the initial values: what no evaluation shows
LAST_BATCHES = 4  # whose rows are evaluated, to be held against what `fit` said of them
LAGS = 1.2  # times the loss of fit: below, the weights that moved on explain it


def found(
    model: Any,
    scenario: Scenario,
    data: Mapping[str, np.ndarray],
    schedule: Schedule,
    said: Sequence[Mapping[str, float]],
    steps: int,
) -> dict[str, str]:
    """The `facts` of a run of so many steps on one device. `said`: what `fit` said of each batch. Empty for a scenario
    with phases: what is left of the initial values depends on what was frozen there, and when."""
    epoch = max((end for end in schedule.epochs if end < steps), default=0)
    last = schedule.batches[epoch if schedule.epochs else max(0, steps - LAST_BATCHES) : steps]
    of_last = said[-1:] if schedule.epochs else said[-len(last) :]
    slow = _initial_share(model, steps) > LEFT
    if not slow or scenario.phases or not of_last or not all("loss" in one for one in of_last):
        return {}
    means = {
        name: float(np.mean([one[name] for one in of_last])) for name in of_last[0] if all(name in one for one in of_last)
    }
    try:
        evaluated = evaluating.evaluated(model, data, np.concatenate(last), scenario.batch, "")
        told = facts(model, means, evaluated, steps)
        if told and _loss_with(model, data, last) > LAGS * means["loss"]:
            return {}  # something else is behind it, a penalty that training leaves out for instance
        return told
    except Exception:  # why it cannot be evaluated is said elsewhere
        return {}


def _loss_with(model: Any, data: Mapping[str, np.ndarray], batches: Sequence[np.ndarray]) -> float:
    """The mean loss that the model evaluates to if batch normalization has the statistics of each of these batches: a pass
    in training puts them in place of the moving ones. That is the experiment that the sentence of this module rests on."""
    normalizing, losses = models.batch_norm_layers(model), []
    momenta = [layer.momentum for layer in normalizing]
    try:
        for layer in normalizing:
            layer.momentum = 0.0
        for rows in batches:
            model(models.training(data, rows)["x"], training=True)
            losses.append(float(evaluating.evaluated(model, data, rows, len(rows), "")["loss"][0]))
    finally:
        for layer, momentum in zip(normalizing, momenta, strict=True):
            layer.momentum = momentum
    return float(np.mean(losses))


def facts(model: Any, said: Mapping[str, float], evaluated: Mapping[str, np.ndarray], steps: int) -> dict[str, str]:
    """What a run of so many steps says of this, if it shows in the loss; empty if it does not. `said`: by `fit`, of the rows
    that were `evaluated` then."""
    share = _initial_share(model, steps)
    loss = float(evaluated["loss"][0]) if "loss" in evaluated else math.nan
    if share <= LEFT or not loss > LAGS * said.get("loss", math.inf):
        return {}
    shared = [name for name in said if name in evaluated and evaluated[name].size == 1]
    return {
        FIT: _listed({name: said[name] for name in shared}),
        EVALUATE: _listed({name: float(evaluated[name][0]) for name in shared}),
        SHARE: f"{share:.0%}",
        STEPS: str(math.ceil(steps * math.log(LEFT) / math.log(share))),
        MOMENTUM: f"{LEFT ** (1.0 / steps):.2f}",
        **_slow(model, steps),
    }


def _initial_share(model: Any, steps: int) -> float:
    """How much of their initial values moving statistics still hold after so many steps: the largest share."""
    return max((share for _, share in _shares(model, steps)), default=0.0)


def _slow(model: Any, steps: int) -> dict[str, str]:
    """The fact of a model in which some layers hold more than is left of them, and others do not."""
    shares = _shares(model, steps)
    slow = [name for name, share in shares if share > LEFT]
    return {SLOW: ", ".join(slow)} if len(slow) < len(shares) else {}


def _shares(model: Any, steps: int) -> list[tuple[str, float]]:
    """Of every batch normalization that trains, with its name."""
    return [(layer.name, float(layer.momentum) ** steps) for layer in models.batch_norm_layers(model) if layer.trainable]


def _listed(numbers: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in sorted(numbers.items()))
