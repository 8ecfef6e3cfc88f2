"""Calls of layers, as tests ask the referee."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from suite.referee import layers
from suite.referee.definition import Array, Call


def output(
    layer: str, config: Mapping[str, Any], *inputs: Array, weights: Mapping[str, Array] | None = None, **others: Any
) -> Array:
    """The one output of a call."""
    (only,) = layers.call(Call(layer=layer, config=config, inputs=inputs, weights=weights or {}, **others)).outputs
    return only


def normal(*shape: int, seed: int = 0) -> Array:
    """Numbers drawn from the standard normal distribution."""
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def channels_first(x: Array) -> Array:
    return np.moveaxis(x, -1, 1)


def channels_last(x: Array) -> Array:
    return np.moveaxis(x, 1, -1)
