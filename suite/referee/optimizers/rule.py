"""The rule of one optimizer: how it changes one variable, once its gradient is prepared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suite.referee.definition import Array, Arrays

Config = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One update of one variable.

    `value`: the variable, after decay. `gradient`: of its shape, after scaling, accumulation and clipping. `slots`: the
    optimizer's variables for this one, by their own names; `shared`: those of the optimizer as a whole, already updated.
    `number`: which update it is, from 1.
    """

    name: str
    value: Array
    gradient: Array
    slots: Arrays
    shared: Arrays
    config: Config
    learning_rate: float
    number: int


@dataclass(frozen=True, kw_only=True)
class Stepped:
    """The variable and its slots after the update."""

    value: Array
    slots: Arrays = field(default_factory=dict)


def start(value: Array, **starts: float) -> dict[str, Array]:
    """New slots of the shape of `value`, each filled with its number."""
    return {name: np.full(np.shape(value), number, dtype=np.float64) for name, number in starts.items()}


def no_slots(name: str, value: Array, config: Config) -> dict[str, Array]:
    return {}


def not_shared(config: Config, number: int) -> dict[str, Array]:
    return {}


def unchanged(config: Config, shared: Arrays, number: int) -> dict[str, Array]:
    return dict(shared)


def own_decay(name: str, value: Array, config: Config) -> float | None:
    return config.get("weight_decay")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`step`: the update. `slots`: a new optimizer's slots for a variable with this name and value. `shared`: the
    variables of the optimizer as a whole before the update `number`, if they are not given. `share`: those after it, from
    those before it. `decay`: the weight decay of a variable. `idle`: names of slots that Keras also makes for variables
    that have no use for them."""

    step: Callable[[Step], Stepped]
    slots: Callable[[str, Array, Config], dict[str, Array]] = no_slots
    shared: Callable[[Config, int], dict[str, Array]] = not_shared
    share: Callable[[Config, Arrays, int], dict[str, Array]] = unchanged
    decay: Callable[[str, Array, Config], float | None] = own_decay
    idle: frozenset[str] = frozenset()
