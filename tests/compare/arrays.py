"""What the tests of distances draw: arrays, and the variables of one layer with its batch normalization."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from suite.compare.metrics import BLOCK
from suite.records import BatchNorm

Array = np.ndarray
SIZES = (1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 7)
NAN = math.nan


def draw(seed: int, *shape: int, dtype: Any = np.float32) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def double(a: Array) -> Array:
    return a.astype(np.float64)


def norm(a: Array) -> float:
    return float(np.sqrt(np.sum(double(a) ** 2)))


def probabilities(seed: int, rows: int, classes: int) -> Array:
    return np.random.default_rng(seed).dirichlet(np.ones(classes), size=rows)


def one(*numbers: float, dtype: Any = np.float32) -> Array:
    return np.array(numbers, dtype)


NORM = BatchNorm(name="bn", mean="m", variance="v", gamma="g", beta="b", epsilon=1e-3, kernel="k", bias="c", axis=-1)


def layer(seed: int, channels: int = 6, shape: tuple[int, ...] = (50, 6)) -> dict[str, Array]:
    names = {name: draw(seed + place, channels) for place, name in enumerate("mgbc")}
    return names | {"v": np.abs(draw(seed + 9, channels)), "k": draw(seed + 10, *shape)}
