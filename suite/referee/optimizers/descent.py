"""Rules without second moments: SGD and Lion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suite.referee.definition import Array
from suite.referee.optimizers.rule import Config, Rule, Step, Stepped, start


def sgd_slots(name: str, value: Array, config: Config) -> dict[str, Array]:
    return start(value, momentum=0.0) if config.get("momentum", 0.0) else {}


def sgd(step: Step) -> Stepped:
    """w ← w - lr · g. With momentum μ: v ← μ · v - lr · g, and w ← w + v; with `nesterov` w ← w + μ · v - lr · g.

    Source: Keras documentation, SGD. Sutskever et al. (2013) state both forms of momentum. The learning rate is inside the
    velocity, which differs from torch.optim.SGD when the rate changes.
    """
    momentum, descent = step.config.get("momentum", 0.0), step.learning_rate * step.gradient
    if not momentum:
        return Stepped(value=step.value - descent)
    velocity = momentum * step.slots["momentum"] - descent
    move = momentum * velocity - descent if step.config.get("nesterov") else velocity
    return Stepped(value=step.value + move, slots={"momentum": velocity})


def lion_slots(name: str, value: Array, config: Config) -> dict[str, Array]:
    return start(value, momentum=0.0)


def lion(step: Step) -> Stepped:
    """w ← w - lr · sign(β₁ · m + (1 - β₁) · g); then m ← β₂ · m + (1 - β₂) · g.

    Source: Chen et al., Symbolic Discovery of Optimization Algorithms (2023), Algorithm 2; Keras documentation, Lion.
    """
    first, second = step.config["beta_1"], step.config["beta_2"]
    mean, gradient = step.slots["momentum"], step.gradient
    move = np.sign(first * mean + (1 - first) * gradient)
    after = second * mean + (1 - second) * gradient
    return Stepped(value=step.value - step.learning_rate * move, slots={"momentum": after})


DESCENT: Mapping[str, Rule] = {"SGD": Rule(step=sgd, slots=sgd_slots), "Lion": Rule(step=lion, slots=lion_slots)}
