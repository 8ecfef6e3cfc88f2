"""The values of a case's arrays and weights, from NumPy's random numbers: the same on every backend."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

import numpy as np

from suite.records.zoo import Values

Array = np.ndarray
Random = np.random.Generator


def generator(*names: str | int) -> Random:
    """Random numbers that depend on these names only."""
    return np.random.default_rng([zlib.crc32(str(name).encode()) for name in names])


def values(described: Values, random: Random, dtype: str) -> Array:
    """An array as described: floats in `dtype`, rounded to float32, integers in int32, or booleans.

    Raises:
        KeyError: nothing is known that `holds` names.
    """
    made = HOLDS[described.holds](described, random)
    return _rounded(made, dtype) if made.dtype.kind == "f" else made


def weight(name: str, shape: tuple[int, ...], random: Random, dtype: str) -> Array:
    """Values for a weight of this name: positive where it is a variance or a deviation, 0.75 and more where it scales."""
    own = name.rpartition("/")[2]
    if "variance" in own or "stddev" in own:
        return _rounded(random.uniform(0.5, 1.5, shape), dtype)
    if own in ("gamma", "scale"):
        return _rounded(random.uniform(0.75, 1.5, shape), dtype)
    return _rounded(0.5 * random.normal(size=shape), dtype)


def _rounded(array: Array, dtype: str) -> Array:
    return np.asarray(array, np.float32).astype(dtype)


def _distribution(one: Values, random: Random) -> Array:
    powers = np.exp(random.normal(size=one.shape))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def _one_hot(one: Values, random: Random) -> Array:
    places = random.integers(0, one.shape[-1], one.shape[:-1])
    return np.eye(one.shape[-1])[places]


def _padding(one: Values, random: Random) -> Array:
    lengths = random.integers(1, one.shape[-1] + 1, (*one.shape[:-1], 1))
    return np.asarray(np.arange(one.shape[-1]) < lengths)


def _indices(one: Values, random: Random) -> Array:
    return random.integers(0, one.below, one.shape).astype(np.int32)


HOLDS: Mapping[str, Callable[[Values, Random], Array]] = {
    "normal": lambda one, random: random.normal(size=one.shape),
    "rows": lambda one, random: random.normal(size=one.shape),
    "positive": lambda one, random: random.uniform(0.1, 2.0, one.shape),
    "unit": lambda one, random: random.uniform(0.05, 0.95, one.shape),
    "large mean": lambda one, random: 100.0 + random.normal(size=one.shape),
    "saturated": lambda one, random: 30.0 * random.normal(size=one.shape),
    "pixels": lambda one, random: random.uniform(0.0, 255.0, one.shape),
    "distribution": _distribution,
    "one-hot": _one_hot,
    "binary": lambda one, random: random.integers(0, 2, one.shape).astype(float),
    "signs": lambda one, random: 2.0 * random.integers(0, 2, one.shape) - 1.0,
    "indices": _indices,
    "labels": lambda one, random: _indices(one, random).astype(float),
    "classes": lambda one, random: random.integers(1, one.below, one.shape).astype(np.int32),
    "padding": _padding,
    "booleans": lambda one, random: random.integers(0, 2, one.shape).astype(bool),
}
