"""Initial values of a model that is given others right away: those of its scenario, or those of a file.

JAX compiles a program for each shape that an initializer draws. MobileNetV2 takes five times as long to build for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

SEEDS = 0xFFFFFFFF  # Keras's seeds are integers of 32 bits


@contextmanager
def drawn_by_numpy() -> Iterator[None]:
    """While this is entered, NumPy draws what Keras's initializers draw on JAX. The distributions are the same, the numbers
    are not."""
    import keras

    if keras.backend.backend() != "jax":
        yield
        return
    from keras.src.initializers import random_initializers

    own = random_initializers.random
    random_initializers.random = _Random(own)
    try:
        yield
    finally:
        random_initializers.random = own


class _Random:
    """`keras.random` as initializers use it. `own`: Keras's, for everything else, and while JAX traces a program."""

    def __init__(self, own: Any) -> None:
        self._own = own

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def normal(self, shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
        if _traces():
            return self._own.normal(shape, mean, stddev, dtype, seed)
        return _value(mean + stddev * _generator(seed).standard_normal(shape), dtype)

    def uniform(self, shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
        if _traces():
            return self._own.uniform(shape, minval, maxval, dtype, seed)
        return _value(minval + (maxval - minval) * _generator(seed).random(shape), dtype)

    def truncated_normal(
        self, shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
    ) -> Any:
        if _traces():
            return self._own.truncated_normal(shape, mean, stddev, dtype, seed)
        return _value(mean + stddev * _truncated(_generator(seed), shape), dtype)


def _traces() -> bool:
    """Whether operations become parts of a program instead of running."""
    import jax

    return isinstance(jax.numpy.zeros(()), jax.core.Tracer)


def _generator(seed: Any) -> np.random.Generator:
    """Takes from the seed what Keras would take."""
    import keras
    from keras.src.random.seed_generator import draw_seed

    return np.random.default_rng(keras.ops.convert_to_numpy(draw_seed(seed)).astype(np.int64) & SEEDS)


def _value(drawn: Any, dtype: Any) -> Any:
    import keras

    return keras.ops.convert_to_tensor(drawn, dtype=dtype or keras.config.floatx())


def _truncated(generator: np.random.Generator, shape: Any) -> Any:
    """Standard normal numbers, those beyond 2 drawn again."""
    values = np.asarray(generator.standard_normal(shape))
    while (beyond := np.abs(values) > 2.0).any():
        values[beyond] = generator.standard_normal(int(beyond.sum()))
    return values
