"""Optimizers: their own options, and those that all share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from suite.records.zoo import Case, Values
from suite.zoo.cases.families import Table, family, nested
from suite.zoo.covering import Choice

VARIABLES = (Values(shape=(3, 4)), Values(shape=(4,)))
TABLE = Values(shape=(5, 2), holds="rows")
UPDATES = 4

SHARED: Mapping[str, Sequence[Any]] = {
    "weight_decay": [None, 0.01],
    "clipnorm": [None, 0.5],
    "clipvalue": [None, 0.25],
    "global_clipnorm": [None, 0.5],
    "use_ema": [None, True],
    "ema_momentum": [None, 0.5],
    "ema_overwrite_frequency": [None, 2],
    "loss_scale_factor": [None, 8.0],
    "gradient_accumulation_steps": [None, 2],
}
SCHEDULES = [
    nested("ExponentialDecay", initial_learning_rate=0.1, decay_steps=2, decay_rate=0.5),
    nested("ExponentialDecay", initial_learning_rate=0.1, decay_steps=2, decay_rate=0.5, staircase=True),
    nested("PiecewiseConstantDecay", boundaries=[1, 2], values=[0.1, 0.05, 0.01]),
    nested("PolynomialDecay", initial_learning_rate=0.1, decay_steps=3, power=2.0),
    nested("PolynomialDecay", initial_learning_rate=0.1, decay_steps=2, cycle=True),
    nested("InverseTimeDecay", initial_learning_rate=0.1, decay_steps=2, decay_rate=0.5),
    nested("InverseTimeDecay", initial_learning_rate=0.1, decay_steps=2, decay_rate=0.5, staircase=True),
    nested("CosineDecay", initial_learning_rate=0.1, decay_steps=3, alpha=0.1),
    nested("CosineDecay", initial_learning_rate=0.0, decay_steps=3, warmup_target=0.1, warmup_steps=2),
    nested("CosineDecayRestarts", initial_learning_rate=0.1, first_decay_steps=2),
    nested("CosineDecayRestarts", initial_learning_rate=0.1, first_decay_steps=2, t_mul=1.5, m_mul=0.5, alpha=0.1),
]
RATE = {"learning_rate": [0.1, *SCHEDULES[:1]]}
OWN: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "SGD": {"momentum": [None, 0.9], "nesterov": [None, True]},
    "RMSprop": {"rho": [None, 0.5], "momentum": [None, 0.9], "epsilon": [None, 0.01], "centered": [None, True]},
    "Adam": {"beta_1": [None, 0.5], "beta_2": [None, 0.9], "epsilon": [None, 0.01], "amsgrad": [None, True]},
    "AdamW": {"beta_1": [None, 0.5], "beta_2": [None, 0.9], "epsilon": [None, 0.01], "amsgrad": [None, True]},
    "Adadelta": {"rho": [None, 0.5], "epsilon": [None, 0.01]},
    "Adagrad": {"initial_accumulator_value": [None, 0.5], "epsilon": [None, 0.01]},
    "Adamax": {"beta_1": [None, 0.5], "beta_2": [None, 0.9], "epsilon": [None, 0.01]},
    "Adafactor": {
        "beta_2_decay": [None, -0.5],
        "epsilon_1": [None, 1e-8],
        "epsilon_2": [None, 0.01],
        "clip_threshold": [None, 0.5],
        "relative_step": [None, False],
    },
    "Nadam": {"beta_1": [None, 0.5], "beta_2": [None, 0.9], "epsilon": [None, 0.01]},
    "Ftrl": {
        "learning_rate_power": [None, -0.25],
        "initial_accumulator_value": [None, 0.5],
        "l1_regularization_strength": [None, 0.1],
        "l2_regularization_strength": [None, 0.1],
        "l2_shrinkage_regularization_strength": [None, 0.1],
        "beta": [None, 0.5],
    },
    "Lion": {"beta_1": [None, 0.5], "beta_2": [None, 0.9]},
    "Lamb": {"beta_1": [None, 0.5], "beta_2": [None, 0.9], "epsilon": [None, 0.01]},
    "Muon": {
        "momentum": [None, 0.5],
        "nesterov": [None, False],
        "ns_steps": [None, 2],
        "rms_rate": [None, 0.5],
        "adam_lr_ratio": [None, 0.5],
        "adam_weight_decay": [None, 0.0],
    },
    "ScheduleFreeAdamW": {"beta_1": [None, 0.5], "beta_2": [None, 0.9], "epsilon": [None, 0.01], "warmup_steps": [None, 2]},
}


def cases() -> Iterator[Case]:
    for name, own in OWN.items():
        yield from family("optimizer", name, _build, arguments={**RATE, **own, **SHARED}, about=_about(), allowed=_allowed)
    table: Table = {"variables": [(TABLE,)], "size": [1.0]}
    yield from family("optimizer", "SGD", _build, arguments={"loss_scale_factor": [8.0], **RATE}, about=table)
    schedules: Table = {"learning_rate": SCHEDULES}
    yield from family("optimizer", "SGD", lambda choice: _fields((Values(shape=(2,)),), 1.0, 6), arguments=schedules)
    inner = [nested("SGD", learning_rate=0.1, momentum=0.9), nested("Adam", clipnorm=0.5), nested("SGD", use_ema=True)]
    scaled: Table = {"inner_optimizer": inner, "initial_scale": [8.0, 1.0], "dynamic_growth_steps": [None, 2]}
    yield from family("optimizer", "LossScaleOptimizer", _build, arguments=scaled, about=_about())


def _about() -> dict[str, Sequence[Any]]:
    return {"variables": [VARIABLES, (*VARIABLES, TABLE), (Values(shape=()), Values(shape=(2, 3, 2)))], "size": [1.0, 100.0]}


def _build(choice: Choice) -> dict[str, Any]:
    return _fields(choice["variables"], choice["size"], UPDATES)


def _fields(variables: tuple[Values, ...], size: float, updates: int) -> dict[str, Any]:
    return {"inputs": variables, "call": json.dumps({"size": size, "updates": updates})}


def _allowed(choice: Choice) -> bool:
    """One way of clipping at a time; averages and Nesterov only with what they need."""
    clipping = sum(choice[name] is not None for name in ("clipnorm", "clipvalue", "global_clipnorm"))
    averages = choice["use_ema"] or (choice["ema_momentum"] is None and choice["ema_overwrite_frequency"] is None)
    nesterov = choice.get("nesterov") is not True or choice.get("momentum") is not None
    # TensorFlow cannot scale gradients by rows: with both, nothing else of it would be seen.
    scaled = choice["loss_scale_factor"] is not None and TABLE in choice["variables"]
    return clipping <= 1 and bool(averages) and nesterov and not scaled
