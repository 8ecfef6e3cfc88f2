"""Learning-rate schedules: the learning rate of an update, from how many updates were made before."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from suite.referee.definition import Undefined

Config = Mapping[str, Any]


def learning_rate(schedule: float | Config, iteration: int) -> float:
    """The learning rate of the update after `iteration` others.

    `schedule`: a constant, or the serialized schedule {"class_name": ..., "config": ...}. Keras counts calls of the
    optimizer here, also those that only accumulate gradients.

    Raises:
        Undefined: there is no definition of this schedule.
    """
    if not isinstance(schedule, Mapping):
        return float(schedule)
    name = schedule["class_name"]
    if name not in SCHEDULES:
        raise Undefined(f"there is no definition of the schedule {name}; defined are {', '.join(SCHEDULES)}")
    return float(SCHEDULES[name](schedule["config"], iteration))


def exponential_decay(config: Config, step: int) -> float:
    """initial · decay_rate^(step / decay_steps); with `staircase` the exponent is rounded down.

    Source: Keras documentation, ExponentialDecay.
    """
    return float(_number(config, "initial_learning_rate") * _number(config, "decay_rate") ** _periods(config, step))


def inverse_time_decay(config: Config, step: int) -> float:
    """initial / (1 + decay_rate · step / decay_steps); with `staircase` the fraction is rounded down.

    Source: Keras documentation, InverseTimeDecay.
    """
    return _number(config, "initial_learning_rate") / (1 + _number(config, "decay_rate") * _periods(config, step))


def _periods(config: Config, step: int) -> float:
    periods = step / _number(config, "decay_steps")
    return math.floor(periods) if config.get("staircase", False) else periods


def piecewise_constant_decay(config: Config, step: int) -> float:
    """The value of the first boundary that `step` does not exceed; beyond all boundaries, the last value.

    Source: Keras documentation, PiecewiseConstantDecay.
    """
    for boundary, value in zip(config["boundaries"], config["values"], strict=False):
        if step <= boundary:
            return float(value)
    return float(config["values"][-1])


def polynomial_decay(config: Config, step: int) -> float:
    """(initial - end) · (1 - step / decay_steps)^power + end, where `step` stops at `decay_steps`; with `cycle`,
    `decay_steps` is instead multiplied by ceil(step / decay_steps), and by 1 at step 0.

    Source: Keras documentation, PolynomialDecay.
    """
    steps, end = _number(config, "decay_steps"), _number(config, "end_learning_rate", 1e-4)
    if config.get("cycle", False):
        steps *= max(1, math.ceil(step / steps))
    rest = 1 - min(step, steps) / steps
    return float((_number(config, "initial_learning_rate") - end) * rest ** _number(config, "power", 1.0) + end)


def cosine_decay(config: Config, step: int) -> float:
    """start · ((1 - alpha) · (1 + cos(pi · step / decay_steps)) / 2 + alpha), where `step` stops at `decay_steps`.

    With `warmup_target`, the rate first goes linearly from `initial_learning_rate` to the target in `warmup_steps`; the
    decay starts there, and its steps are counted from there. Without, it starts at `initial_learning_rate`.

    Source: Loshchilov and Hutter, SGDR (2017), and Goyal et al. (2017) for the warmup; Keras documentation, CosineDecay.
    The formula of the warmup on that page leaves out the initial rate; its text states it.
    """
    start, warmup = _number(config, "initial_learning_rate"), 0.0
    if config.get("warmup_target") is not None:
        initial, start, warmup = start, _number(config, "warmup_target"), _number(config, "warmup_steps", 0)
        if step < warmup:
            return initial + (start - initial) * step / warmup
    steps = _number(config, "decay_steps")
    return start * _cosine(min(step - warmup, steps) / steps, _number(config, "alpha", 0.0))


def cosine_decay_restarts(config: Config, step: int) -> float:
    """initial · ((1 - alpha) · m_mul^i · (1 + cos(pi · fraction)) / 2 + alpha) in period i, where `fraction` is the part of
    the period that is over. Period 0 has `first_decay_steps` steps, each further one `t_mul` times as many.

    Periods are counted one by one, so that a restart falls on its step exactly. Keras takes the logarithm of the step
    instead, which rounding may put on either side of a restart.

    Source: Loshchilov and Hutter, SGDR (2017); Keras documentation, CosineDecayRestarts.

    Raises:
        Undefined: `t_mul` is below 1, so that periods get ever shorter.
    """
    factor, length = _number(config, "t_mul", 2.0), _number(config, "first_decay_steps")
    if factor < 1:
        raise Undefined(f"periods that get shorter (t_mul={factor}) have no definition; t_mul must be at least 1")
    begun, height = 0.0, 1.0
    while step >= begun + length:
        begun, length, height = begun + length, length * factor, height * _number(config, "m_mul", 1.0)
    wave = _cosine((step - begun) / length, _number(config, "alpha", 0.0), height)
    return _number(config, "initial_learning_rate") * wave


def _cosine(fraction: float, alpha: float, height: float = 1.0) -> float:
    return (1 - alpha) * height * 0.5 * (1 + math.cos(math.pi * fraction)) + alpha


SCHEDULES: Mapping[str, Callable[[Config, int], float]] = {
    "ExponentialDecay": exponential_decay,
    "InverseTimeDecay": inverse_time_decay,
    "PiecewiseConstantDecay": piecewise_constant_decay,
    "PolynomialDecay": polynomial_decay,
    "CosineDecay": cosine_decay,
    "CosineDecayRestarts": cosine_decay_restarts,
}


def _number(config: Config, name: str, default: float | None = None) -> float:
    return float(config[name] if default is None else config.get(name, default))
