"""Optimizers around others: LossScaleOptimizer and MultiOptimizer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from suite.referee.definition import Array, Undefined, Update, Updated
from suite.referee.optimizers.options import ITERATION
from suite.referee.schedules import learning_rate

COUNTER, SCALE = "optimizer/LossScaleOptimizer/step_counter", "optimizer/LossScaleOptimizer/dynamic_scale"
Inner = Callable[[Update], Updated]  # makes the update of the optimizer inside


def loss_scaled(asked: Update, inner: Inner) -> Updated:
    """LossScaleOptimizer: the gradients, of a loss times the scale s, are divided by s for the optimizer inside.

    If any gradient is not finite, nothing is updated and nothing is counted, s is halved, and its counter starts again.
    Else the counter goes on; after `dynamic_growth_steps` finite updates s is doubled, and the counter starts again. The
    slots "step_counter" and "dynamic_scale" are the wrapper's; all others, and `iteration`, belong to the optimizer
    inside. Its own `loss_scale_factor` is off.

    Source: Micikevicius et al., Mixed Precision Training (2018); Keras documentation, LossScaleOptimizer.
    """
    scale = float(asked.slots.get(SCALE, np.array(asked.config["initial_scale"])))
    counter = int(asked.slots.get(COUNTER, np.array(0)))
    inside = replace(
        asked,
        optimizer=asked.config["inner_optimizer"]["class_name"],
        config=dict(asked.config["inner_optimizer"]["config"]) | {"loss_scale_factor": None},
        gradients={name: np.asarray(gradient) / scale for name, gradient in asked.gradients.items()},
        slots={name: value for name, value in asked.slots.items() if name not in (SCALE, COUNTER)},
    )
    if not all(np.all(np.isfinite(gradient)) for gradient in asked.gradients.values()):
        slots = dict(inside.slots) | {ITERATION: np.array(asked.iteration)} | _scale(scale / 2, 0)
        return Updated(variables=dict(asked.variables), slots=slots)
    grown = counter + 1 == asked.config["dynamic_growth_steps"]
    after = inner(inside)
    own = _scale(scale * 2, 0) if grown else _scale(scale, counter + 1)
    return Updated(variables=after.variables, slots=dict(after.slots) | own)


def _scale(scale: float, counter: int) -> dict[str, Array]:
    return {SCALE: np.array(scale), COUNTER: np.array(counter)}


def delegated(asked: Update, inner: Inner) -> Updated:
    """MultiOptimizer: each variable is updated by the optimizer that its map names; by the default one if it names none.

    A key of the map is a variable's path in Keras, or else a pattern that matches all of it. So variables must have their
    paths as names here. Each optimizer clips, accumulates and averages its own variables, with the wrapper's
    `loss_scale_factor`, at its own learning rate. The slot "x" of an optimizer as a whole is "optimizer/<its name>/x".

    Source: Keras documentation, MultiOptimizer and OptimizerMap.

    Raises:
        Undefined: a function chooses the optimizers, or two patterns match one variable.
    """
    variables, slots = dict(asked.variables), dict(asked.slots)
    for config, names in _shares(asked):
        after = inner(_share(asked, config, names))
        variables |= after.variables
        slots |= {_renamed(name, config["config"]["name"]): value for name, value in after.slots.items()}
    return Updated(variables=variables, slots=slots | {ITERATION: np.array(asked.iteration + 1)})


def _shares(asked: Update) -> list[tuple[Mapping[str, Any], list[str]]]:
    """The serialized optimizers and the names of each one's variables."""
    optimizers = asked.config["optimizer_map"]
    if optimizers.get("class_name") != "OptimizerMap":
        raise Undefined("a function that chooses the optimizers is code of the scenario; only an OptimizerMap is defined")
    default, chosen = optimizers["config"]["default_optimizer"], optimizers["config"]["optimizer_map"]
    shares: dict[str, list[str]] = {}
    for name in asked.gradients:
        shares.setdefault(_key(name, chosen), []).append(name)
    return [(chosen.get(key, default), names) for key, names in shares.items()]


def _key(name: str, chosen: Mapping[str, Any]) -> str:
    """The key of the map for a variable; "" for the default optimizer."""
    if name in chosen:
        return name
    matches = [pattern for pattern in chosen if re.fullmatch(pattern, name)]
    if len(matches) > 1:
        raise Undefined(f"several optimizers are named for {name}: {', '.join(matches)}; Keras refuses this")
    return matches[0] if matches else ""


def _share(asked: Update, optimizer: Mapping[str, Any], names: list[str]) -> Update:
    """What the optimizer of these variables is asked."""
    config = dict(optimizer["config"]) | {"loss_scale_factor": asked.config.get("loss_scale_factor")}
    whole = f"optimizer/{config['name']}/"
    own = {f"optimizer/{name.removeprefix(whole)}": v for name, v in asked.slots.items() if name.startswith(whole)}
    return replace(
        asked,
        optimizer=optimizer["class_name"],
        config=config,
        learning_rate=learning_rate(config["learning_rate"], asked.iteration),
        variables={name: asked.variables[name] for name in names},
        gradients={name: asked.gradients[name] for name in names},
        slots=own | {name: v for name, v in asked.slots.items() if name.rpartition("/")[0] in names},
    )


def _renamed(slot: str, optimizer: str) -> str:
    owner, _, name = slot.partition("/")
    return f"optimizer/{optimizer}/{name}" if owner == "optimizer" else slot
