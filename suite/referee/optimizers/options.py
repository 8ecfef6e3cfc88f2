"""The options that every optimizer of Keras has, around the rule of one.

In this order: the gradients are divided by the loss scale, accumulated, clipped; the variables decay; the rule changes
them; their averages follow. Source: Keras documentation, the arguments that all optimizers share.
"""

from __future__ import annotations

import numpy as np

from suite.referee.definition import Array, Arrays, Undefined, Update, Updated
from suite.referee.optimizers.rule import Config, Rule, Step

ITERATION = "optimizer/iteration"
AVERAGE, ACCUMULATOR = "average", "gradient_accumulator"


def updated(rule: Rule, asked: Update) -> Updated:
    """One call of the optimizer with this rule. A variable without a gradient is left alone, except by its average.

    Constraints of variables are no part of the configuration, and are not applied.

    Raises:
        Undefined: a slot of a variable has a name that neither the rule nor an option knows.
    """
    _check_slots(rule, asked)
    config = asked.config
    gradients = unscaled(asked.gradients, config)
    accumulated, gradients = accumulate(gradients, asked)
    slots = dict(asked.slots) | accumulated
    variables = {name: np.asarray(value, dtype=np.float64) for name, value in asked.variables.items()}
    if gradients:
        changed, changed_slots = _apply(rule, asked, decayed(rule, variables, gradients, asked), clipped(gradients, config))
        variables, slots = variables | changed, slots | changed_slots
    else:
        slots |= _untouched(rule, asked)
    if config.get("use_ema"):
        averages = averaged(variables, asked)
        slots |= averages
        variables = _overwritten(variables, averages, asked)
    slots[ITERATION] = np.array(asked.iteration + 1)
    return Updated(variables=variables, slots=slots)


def unscaled(gradients: Arrays, config: Config) -> dict[str, Array]:
    """The gradients divided by `loss_scale_factor`, which the loss was multiplied by."""
    scale = config.get("loss_scale_factor") or 1.0
    return {name: np.asarray(gradient, dtype=np.float64) / scale for name, gradient in gradients.items()}


def accumulate(gradients: Arrays, asked: Update) -> tuple[dict[str, Array], dict[str, Array]]:
    """The accumulators after this call, and the gradients to apply in it.

    With `gradient_accumulation_steps` k, the variables change in every k-th call, with the mean of the last k gradients;
    the calls between give no gradients to apply. Without it, there are no accumulators.
    """
    steps = asked.config.get("gradient_accumulation_steps")
    if not steps:
        return {}, dict(gradients)
    sums = {
        name: asked.slots.get(f"{name}/{ACCUMULATOR}", np.zeros_like(gradient)) + gradient
        for name, gradient in gradients.items()
    }
    if (asked.iteration + 1) % steps:
        return {f"{name}/{ACCUMULATOR}": total for name, total in sums.items()}, {}
    emptied = {f"{name}/{ACCUMULATOR}": np.zeros_like(total) for name, total in sums.items()}
    return emptied, {name: total / steps for name, total in sums.items()}


def clipped(gradients: Arrays, config: Config) -> dict[str, Array]:
    """The gradients, clipped as one of these options says (Keras refuses two of them):

    - `clipnorm` c: each gradient g times min(1, c / |g|), with its own Euclidean norm;
    - `global_clipnorm` c: the same, with the norm of all gradients together;
    - `clipvalue` c: each element into [-c, c].
    """
    if config.get("clipnorm"):
        return {name: g * _shrink(np.sum(g * g), config["clipnorm"]) for name, g in gradients.items()}
    if config.get("global_clipnorm"):
        square = sum(np.sum(g * g) for g in gradients.values())
        return {name: g * _shrink(square, config["global_clipnorm"]) for name, g in gradients.items()}
    if config.get("clipvalue"):
        return {name: np.clip(g, -config["clipvalue"], config["clipvalue"]) for name, g in gradients.items()}
    return dict(gradients)


def _shrink(square: float, largest: float) -> float:
    """What brings a norm, given by its square, down to `largest`; a norm that is not finite gives NaN."""
    norm = float(np.sqrt(square))
    if not np.isfinite(norm):
        return float("nan")
    return largest / max(norm, largest)


def decayed(rule: Rule, variables: Arrays, gradients: Arrays, asked: Update) -> dict[str, Array]:
    """The variables that have a gradient, less learning rate · `weight_decay` · themselves: decoupled, before the rule.
    Those in `exclude_from_weight_decay` stay as they are; Keras's configuration has them only if the suite has added them.

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization (2019), where the decay is added to the update.
    """
    result = {}
    for name in gradients:
        excluded = name in asked.config.get("exclude_from_weight_decay", ())
        decay = 0.0 if excluded else rule.decay(name, variables[name], asked.config) or 0.0
        result[name] = variables[name] - asked.learning_rate * decay * variables[name]
    return result


def _apply(rule: Rule, asked: Update, variables: Arrays, gradients: Arrays) -> tuple[dict[str, Array], dict[str, Array]]:
    """The variables and the slots after the rule."""
    number = period(asked) + 1
    shared = rule.share(asked.config, _shared(rule, asked), number)
    values, slots = {}, {f"optimizer/{name}": value for name, value in shared.items()}
    for name, gradient in gradients.items():
        fresh = rule.slots(name, asked.variables[name], asked.config)
        step = Step(
            name=name,
            value=variables[name],
            gradient=gradient,
            slots={own: asked.slots.get(f"{name}/{own}", value) for own, value in fresh.items()},
            shared=shared,
            config=asked.config,
            learning_rate=asked.learning_rate,
            number=number,
        )
        stepped = rule.step(step)
        values[name] = stepped.value
        slots |= {f"{name}/{own}": value for own, value in stepped.slots.items()}
    return values, slots


def _untouched(rule: Rule, asked: Update) -> dict[str, Array]:
    """The rule's slots as they are, for a call that only accumulates: the stored ones, and new ones where none is."""
    slots = {f"optimizer/{name}": value for name, value in _shared(rule, asked).items()}
    for name in asked.gradients:
        fresh = rule.slots(name, asked.variables[name], asked.config)
        slots |= {f"{name}/{own}": asked.slots.get(f"{name}/{own}", value) for own, value in fresh.items()}
    return slots


def _shared(rule: Rule, asked: Update) -> dict[str, Array]:
    """The variables of the optimizer as a whole before this call, by their own names."""
    fresh = rule.shared(asked.config, period(asked) + 1)
    return {name: asked.slots.get(f"optimizer/{name}", value) for name, value in fresh.items()}


def _check_slots(rule: Rule, asked: Update) -> None:
    """That every slot of a variable is one that the rule or an option knows."""
    for name, value in asked.variables.items():
        known = {AVERAGE, ACCUMULATOR, *rule.idle, *rule.slots(name, value, asked.config)}
        unknown = {slot.rpartition("/")[2] for slot in asked.slots if slot.rpartition("/")[0] == name} - known
        if unknown:
            raise Undefined(
                f"{asked.optimizer} keeps {', '.join(sorted(unknown))} of {name}, which its definition does not know; "
                "it may be a different rule in this version of Keras"
            )


def period(asked: Update) -> int:
    """How many times the rule was applied before: with accumulation over k calls, a k-th of the calls."""
    return asked.iteration // (asked.config.get("gradient_accumulation_steps") or 1)


def averaged(variables: Arrays, asked: Update) -> dict[str, Array]:
    """`use_ema`: average ← m · average + (1 - m) · variable, with m = `ema_momentum`; at first, the variable itself.

    With accumulation, every call moves the average, also one that leaves the variable as it was. Keras's documentation
    leaves this open ("as the weight values change after each training batch").
    """
    momentum = asked.config.get("ema_momentum", 0.99) if period(asked) else 0.0
    averages = {}
    for name, value in variables.items():
        before = asked.slots.get(f"{name}/{AVERAGE}", np.zeros_like(value))
        averages[f"{name}/{AVERAGE}"] = momentum * before + (1 - momentum) * value
    return averages


def _overwritten(variables: Arrays, averages: Arrays, asked: Update) -> dict[str, Array]:
    """The variables; the averages in their place after every `ema_overwrite_frequency` updates."""
    every = asked.config.get("ema_overwrite_frequency")
    if not every or (period(asked) + 1) % every:
        return dict(variables)
    return {name: averages[f"{name}/{AVERAGE}"] for name in variables}


def finalized(after: Updated) -> dict[str, Array]:
    """The variables that `fit` leaves: their averages if there are any (`use_ema`), else those of the last update."""
    return {name: after.slots.get(f"{name}/{AVERAGE}", value) for name, value in after.variables.items()}
