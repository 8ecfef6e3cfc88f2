"""Adam and what descends from it: AdamW, Adamax, Nadam, Lamb, ScheduleFreeAdamW."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suite.referee.definition import Array, Arrays
from suite.referee.optimizers.rule import Config, Rule, Step, Stepped, start


def mean(average: Array, new: Array, momentum: float) -> Array:
    """The exponential moving average after one more value."""
    return momentum * average + (1 - momentum) * new


def moments(step: Step, first: float, second: float) -> dict[str, Array]:
    """m ← β₁ · m + (1 - β₁) · g and v ← β₂ · v + (1 - β₂) · g²: Keras calls them momentum and velocity."""
    return {
        "momentum": mean(step.slots["momentum"], step.gradient, first),
        "velocity": mean(step.slots["velocity"], step.gradient**2, second),
    }


def moment_slots(name: str, value: Array, config: Config) -> dict[str, Array]:
    return start(value, momentum=0.0, velocity=0.0)


def adam_slots(name: str, value: Array, config: Config) -> dict[str, Array]:
    slots = moment_slots(name, value, config)
    return slots | start(value, velocity_hat=0.0) if config.get("amsgrad") else slots


def adam(step: Step) -> Stepped:
    """w ← w - lr · √(1 - β₂^t) / (1 - β₁^t) · m / (√v + ε), with the moments m and v and the update number t.

    `amsgrad`: h ← max(h, v) stands in place of v, without correction of its bias.

    Source: Kingma and Ba, Adam (2015); Reddi et al. (2018) for AMSGrad; Keras documentation, Adam: ε is the "epsilon hat"
    in the formula before section 2.1 of the paper. Algorithm 1 of the paper, and torch.optim.Adam, add ε to √v̂ instead.
    AdamW is the same rule with a weight decay, which all optimizers of Keras have (see options).
    """
    config = step.config
    first, second = config["beta_1"], config["beta_2"]
    slots = moments(step, first, second)
    size = slots["velocity"]
    if config.get("amsgrad"):
        size = np.maximum(step.slots["velocity_hat"], size)
        slots["velocity_hat"] = size
    rate = step.learning_rate * np.sqrt(1 - second**step.number) / (1 - first**step.number)
    return Stepped(value=step.value - rate * slots["momentum"] / (np.sqrt(size) + config["epsilon"]), slots=slots)


def adamax_slots(name: str, value: Array, config: Config) -> dict[str, Array]:
    return start(value, momentum=0.0, norm=0.0)


def adamax(step: Step) -> Stepped:
    """u ← max(β₂ · u, |g|); w ← w - lr / (1 - β₁^t) · m / (u + ε), with the first moment m.

    Source: Kingma and Ba, Adam (2015), Algorithm 2, which has no ε; Keras documentation, Adamax.
    """
    first, second = step.config["beta_1"], step.config["beta_2"]
    momentum = mean(step.slots["momentum"], step.gradient, first)
    norm = np.maximum(second * step.slots["norm"], np.abs(step.gradient))
    rate = step.learning_rate / (1 - first**step.number)
    value = step.value - rate * momentum / (norm + step.config["epsilon"])
    return Stepped(value=value, slots={"momentum": momentum, "norm": norm})


def nadam_shared(config: Config, number: int) -> dict[str, Array]:
    """u₁ · … · u_t over the updates before this one: 1 for the first."""
    return {"u_product": np.array(np.prod([nadam_momentum(config, t) for t in range(1, number)]))}


def nadam_share(config: Config, shared: Arrays, number: int) -> dict[str, Array]:
    """The same with this update: one number for all variables."""
    return {"u_product": np.asarray(shared["u_product"] * nadam_momentum(config, number))}


def nadam_momentum(config: Config, number: int) -> float:
    """u_t = β₁ · (1 - 0.96^t / 2): the momentum of the update t, which grows to β₁."""
    return float(config["beta_1"] * (1 - 0.5 * 0.96**number))


def nadam(step: Step) -> Stepped:
    """w ← w - lr · m̂ / (√(v / (1 - β₂^t)) + ε), with the moments m and v, U_t = u₁ · … · u_t, and

    m̂ = u_{t+1} · m / (1 - U_{t+1}) + (1 - u_t) · g / (1 - U_t).

    Source: Dozat, Incorporating Nesterov Momentum into Adam (2015), with the schedule of its section on warming up; Keras
    documentation, Nadam. The paper averages m with u_t; Keras averages it with β₁.
    """
    config, t = step.config, step.number
    slots = moments(step, config["beta_1"], config["beta_2"])
    now, after = nadam_momentum(config, t), nadam_momentum(config, t + 1)
    product = step.shared["u_product"]
    ahead = after * slots["momentum"] / (1 - product * after) + (1 - now) * step.gradient / (1 - product)
    size = np.sqrt(slots["velocity"] / (1 - config["beta_2"] ** t))
    return Stepped(value=step.value - step.learning_rate * ahead / (size + config["epsilon"]), slots=slots)


def lamb(step: Step) -> Stepped:
    """r = m̂ / (√v̂ + ε), with the moments m and v without their bias; w ← w - lr · |w| / |r| · r.

    Where |w| or |r| is 0, their ratio is 1. Norms are Euclidean, over the whole variable.

    Source: You et al., Large Batch Optimization for Deep Learning (2020), Algorithm 2; Keras documentation, Lamb. In the
    paper the weight decay is a part of r; Keras decays the variable before, like all its optimizers.
    """
    config, t = step.config, step.number
    slots = moments(step, config["beta_1"], config["beta_2"])
    size = np.sqrt(slots["velocity"] / (1 - config["beta_2"] ** t)) + config["epsilon"]
    move = slots["momentum"] / (1 - config["beta_1"] ** t) / size
    length, of_move = np.sqrt(np.sum(step.value**2)), np.sqrt(np.sum(move**2))
    ratio = length / of_move if length > 0 and of_move > 0 else 1.0
    return Stepped(value=step.value - step.learning_rate * ratio * move, slots=slots)


def schedule_free_slots(name: str, value: Array, config: Config) -> dict[str, Array]:
    return {"momentum": np.array(value, dtype=np.float64)} | start(value, velocity=0.0)


def schedule_free_adamw(step: Step) -> Stepped:
    """Three points: z goes down, x averages z, and the model holds y = (1 - β₁) · z + β₁ · x, where gradients are taken.

    z' = z - lr · g / (√(v / (1 - β₂^t)) + ε); x' = (1 - 1/t) · x + z' / t; y' = (1 - β₁) · z' + β₁ · x'.

    Keras keeps z (as "momentum"; it starts at the variable) and y. So x = (y - (1 - β₁) · z) / β₁, with the z that y was
    made of. In the first `warmup_steps` updates, lr is multiplied by t / `warmup_steps`.

    Source: Defazio et al., The Road Less Scheduled (2024), Algorithm 1; Keras documentation, ScheduleFreeAdamW. The paper
    weighs x' by squares of the learning rates, and its decay is a part of the move of z. Keras weighs evenly, and decays
    the variable y before, like all its optimizers.
    """
    config, t = step.config, step.number
    first, second = config["beta_1"], config["beta_2"]
    rate, warmup = step.learning_rate, config.get("warmup_steps", 0)
    if warmup:
        rate *= min(t / warmup, 1.0)
    velocity = mean(step.slots["velocity"], step.gradient**2, second)
    before = step.slots["momentum"]
    after = before - rate * step.gradient / (np.sqrt(velocity / (1 - second**t)) + config["epsilon"])
    average = (step.value - (1 - first) * before) / first
    average = (1 - 1 / t) * average + after / t
    return Stepped(value=(1 - first) * after + first * average, slots={"momentum": after, "velocity": velocity})


ADAMS: Mapping[str, Rule] = {
    "Adam": Rule(step=adam, slots=adam_slots),
    "AdamW": Rule(step=adam, slots=adam_slots),
    "Adamax": Rule(step=adamax, slots=adamax_slots),
    "Nadam": Rule(step=nadam, slots=moment_slots, shared=nadam_shared, share=nadam_share),
    "Lamb": Rule(step=lamb, slots=moment_slots),
    "ScheduleFreeAdamW": Rule(step=schedule_free_adamw, slots=schedule_free_slots),
}
