"""Rules that divide by the size of past gradients: RMSprop, Adagrad, Adadelta, Ftrl."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suite.referee.definition import Array
from suite.referee.optimizers.rule import Config, Rule, Step, Stepped, start


def rmsprop_slots(name: str, value: Array, config: Config) -> dict[str, Array]:
    slots = start(value, velocity=0.0)
    if config.get("momentum", 0.0) > 0:
        slots |= start(value, momentum=0.0)
    if config.get("centered"):
        slots |= start(value, average_gradient=0.0)
    return slots


def rmsprop(step: Step) -> Stepped:
    """v ← ρ · v + (1 - ρ) · g²; the move is lr · g / √(v + ε), and w ← w - move.

    `centered`: a ← ρ · a + (1 - ρ) · g, and v - a² stands in place of v. `momentum` μ: m ← μ · m + move, and w ← w - m.

    Source: Hinton, Neural Networks for Machine Learning, lecture 6 (2012); Graves (2013) for the centered form; Keras
    documentation, RMSprop. ε is inside the root, as that page says of it; torch.optim.RMSprop has it outside.
    """
    config, gradient = step.config, step.gradient
    rho = config["rho"]
    slots = {"velocity": rho * step.slots["velocity"] + (1 - rho) * gradient**2}
    size = slots["velocity"] + config["epsilon"]
    if config.get("centered"):
        slots["average_gradient"] = rho * step.slots["average_gradient"] + (1 - rho) * gradient
        size = size - slots["average_gradient"] ** 2
    move = step.learning_rate * gradient / np.sqrt(size)
    if config.get("momentum", 0.0) > 0:
        move = config["momentum"] * step.slots["momentum"] + move
        slots["momentum"] = move
    return Stepped(value=step.value - move, slots=slots)


def adagrad_slots(name: str, value: Array, config: Config) -> dict[str, Array]:
    return start(value, accumulator=config["initial_accumulator_value"])


def adagrad(step: Step) -> Stepped:
    """a ← a + g²; w ← w - lr · g / √(a + ε). The accumulator a starts at `initial_accumulator_value`.

    Source: Duchi et al. (2011), with the diagonal of their matrix; Keras documentation, Adagrad. The paper, torch and
    ONNX add ε outside the root; Keras adds it inside.
    """
    accumulator = step.slots["accumulator"] + step.gradient**2
    move = step.learning_rate * step.gradient / np.sqrt(accumulator + step.config["epsilon"])
    return Stepped(value=step.value - move, slots={"accumulator": accumulator})


def adadelta_slots(name: str, value: Array, config: Config) -> dict[str, Array]:
    return start(value, accumulated_grad=0.0, accumulated_delta_var=0.0)


def adadelta(step: Step) -> Stepped:
    """E ← ρ · E + (1 - ρ) · g²; Δ = -g · √(D + ε) / √(E + ε); D ← ρ · D + (1 - ρ) · Δ²; w ← w + lr · Δ.

    Source: Zeiler, ADADELTA (2012), Algorithm 1, which has no learning rate. Keras documentation, Adadelta: "to match
    the exact form in the original paper, use 1.0". The moves that D averages are those before the learning rate.
    """
    rho, epsilon = step.config["rho"], step.config["epsilon"]
    squares = rho * step.slots["accumulated_grad"] + (1 - rho) * step.gradient**2
    moves = step.slots["accumulated_delta_var"]
    move = -step.gradient * np.sqrt(moves + epsilon) / np.sqrt(squares + epsilon)
    slots = {"accumulated_grad": squares, "accumulated_delta_var": rho * moves + (1 - rho) * move**2}
    return Stepped(value=step.value + step.learning_rate * move, slots=slots)


def ftrl_slots(name: str, value: Array, config: Config) -> dict[str, Array]:
    return start(value, accumulator=config["initial_accumulator_value"], linear=0.0)


def ftrl(step: Step) -> Stepped:
    """Follow the regularized leader, with p = -`learning_rate_power` (0.5 in the paper):

    n' = n + g²; z ← z + g + 2 · shrinkage · w - (n'^p - n^p) / lr · w;
    w ← 0 where |z| ≤ l1, else (sign(z) · l1 - z) / ((beta + n'^p) / lr + 2 · l2); n ← n'.

    Source: McMahan et al., Ad Click Prediction (2013), Algorithm 1; Keras documentation, Ftrl. Paper and page write λ₂
    where all implementations have 2 · l2 (TensorFlow documentation, ApplyFtrl, states it): an l2 of λ₂ / 2 is the paper's.
    """
    config, rate, power = step.config, step.learning_rate, -step.config["learning_rate_power"]
    before = step.slots["accumulator"]
    after = before + step.gradient**2
    shrunk = step.gradient + 2 * config["l2_shrinkage_regularization_strength"] * step.value
    linear = step.slots["linear"] + shrunk - (after**power - before**power) / rate * step.value
    first, second = config["l1_regularization_strength"], config["l2_regularization_strength"]
    curvature = (config.get("beta", 0.0) + after**power) / rate + 2 * second
    value = np.where(np.abs(linear) <= first, 0.0, (np.sign(linear) * first - linear) / curvature)
    return Stepped(value=value, slots={"accumulator": after, "linear": linear})


ADAPTIVE: Mapping[str, Rule] = {
    "RMSprop": Rule(step=rmsprop, slots=rmsprop_slots),
    "Adagrad": Rule(step=adagrad, slots=adagrad_slots),
    "Adadelta": Rule(step=adadelta, slots=adadelta_slots),
    "Ftrl": Rule(step=ftrl, slots=ftrl_slots),
}
