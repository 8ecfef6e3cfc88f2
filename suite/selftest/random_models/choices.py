"""Drawing with weights, and the arguments that many layers have: activations, initial values, penalties."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TypeVar

from suite.selftest.random_models.recipe import Arguments, Made

Drawn = TypeVar("Drawn")

ACTIVATIONS: Mapping[str | None, float] = {
    None: 5, "relu": 5, "tanh": 2, "elu": 1, "selu": 1, "gelu": 1, "silu": 1, "softplus": 1, "softsign": 1, "sigmoid": 1,
    "leaky_relu": 1, "mish": 1, "hard_sigmoid": 1, "hard_silu": 1, "relu6": 1, "celu": 1,
    "exponential": 0.2, "log_sigmoid": 0.5, "hard_tanh": 0.5, "squareplus": 0.5, "sparse_plus": 0.5, "linear": 0.5,
}  # fmt: skip
SMOOTH = (None, "linear", "tanh", "softsign", "softplus", "sigmoid", "log_sigmoid", "exponential")  # no zero but at zero
INITIALIZERS = ("glorot_normal", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform", "orthogonal")
PENALTIES = (
    Made(of="regularizers.L2", arguments=(("l2", 0.01),)),
    Made(of="regularizers.L1", arguments=(("l1", 0.005),)),
    Made(of="regularizers.L1L2", arguments=(("l1", 0.002), ("l2", 0.01))),
)


class Draw:
    """A stream of choices; one seed gives one stream."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def of(self, *choices: Drawn) -> Drawn:
        return self._random.choice(choices)

    def weighted(self, choices: Mapping[Drawn, float]) -> Drawn:
        return self._random.choices(list(choices), list(choices.values()))[0]

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included."""
        return self._random.randint(least, most)

    def chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def number(self) -> float:
        """From 0 to 1: to order by."""
        return self._random.random()

    def seed(self) -> int:
        return self._random.randrange(1000)


def given(**arguments: object) -> Arguments:
    """Arguments without those that are None, which stands for the default."""
    return tuple((name, value) for name, value in arguments.items() if value is not None)


def activation(draw: Draw) -> str | None:
    return draw.weighted(ACTIVATIONS)


def of_kernel(draw: Draw, prefix: str = "kernel") -> Arguments:
    """Sometimes a different initializer, sometimes a penalty."""
    return given(
        **{
            f"{prefix}_initializer": draw.of(*INITIALIZERS) if draw.chance(0.3) else None,
            f"{prefix}_regularizer": draw.of(*PENALTIES) if draw.chance(0.15) else None,
        }
    )


def no_bias(draw: Draw) -> bool | None:
    """False for `use_bias=False`, None for the default."""
    return False if draw.chance(0.15) else None
