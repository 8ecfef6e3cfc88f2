"""Random layers: one stream of numbers for every backend in float64 runs, and a fingerprint of each backend's own.

Backends draw different numbers from one seed, so a model with dropout cannot give the same results on two of them.
To show that this is the *only* reason, float64 runs draw from a stream that is the same everywhere: a hash (the finalizer of
MurmurHash3, 32 bits) of seed, call counter and the element's index in the global batch, in exact integer arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from suite.artifacts import names
from suite.artifacts.artifact import Recording
from suite.runner.outcome import Unsupported

if TYPE_CHECKING:
    from suite.runner.drive import Drive

MASK = 0xFFFFFFFF
SUPPORTED = ("uniform", "normal", "dropout")
REFUSED = ("truncated_normal", "randint", "categorical", "shuffle", "gamma", "binomial", "beta")
NUMBERS = 64


def share(replica: Callable[[], Any]) -> None:
    """From now on this process draws from the shared stream; `replica()` is the executing replica's index."""
    import keras
    from keras.src.backend import random
    from keras.src.random.seed_generator import draw_seed

    ops = keras.ops

    def uniform(shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
        known = all(isinstance(size, int) for size in shape)  # JAX must know sizes while tracing; TensorFlow may not
        count = math.prod(shape) if known else ops.prod(_wide(ops.stack(list(shape))))
        index = ops.arange(count, dtype="int64") + _wide(replica()) * _wide(count)
        state = _wide(draw_seed(seed))
        bits = _mixed(index * 0x9E3779B1 + state[0] * 0x85EBCA6B + state[1] * 0xC2B2AE35)
        unit = (ops.cast(bits, "float64") + 0.5) / 2.0**32
        return ops.reshape(minval + (maxval - minval) * unit, shape)

    def normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
        radius = ops.sqrt(-2.0 * ops.log(uniform(shape, seed=seed)))
        return mean + stddev * radius * ops.cos(2.0 * np.pi * uniform(shape, seed=seed))

    def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
        shape = ops.shape(inputs)
        if noise_shape is not None:
            shape = tuple(size if wanted is None else wanted for wanted, size in zip(noise_shape, shape, strict=True))
        kept = uniform(shape, seed=seed) >= rate
        return ops.where(kept, inputs / (1.0 - rate), ops.zeros_like(inputs))

    for name, function in zip(SUPPORTED, (uniform, normal, dropout), strict=True):
        setattr(random, name, function)
    for name in REFUSED:
        setattr(random, name, _refuse(name))


@contextmanager
def shared() -> Iterator[None]:
    """While this is entered, this process draws from the shared stream, as one replica."""
    from keras.src.backend import random

    own = {name: getattr(random, name) for name in (*SUPPORTED, *REFUSED)}
    share(lambda: 0)
    try:
        yield
    finally:
        for name, function in own.items():
            setattr(random, name, function)


def _wide(value: Any) -> Any:
    """Integers of 64 bits, which no cast of Keras makes in a float64 run on JAX."""
    import keras

    if keras.backend.backend() != "jax":
        return keras.ops.cast(value, "int64")
    import jax

    return jax.numpy.asarray(value).astype("int64")


def _mixed(value: Any) -> Any:
    """The finalizer of MurmurHash3 of each integer. By Python's operators: `keras.ops` has no bitwise ones before Keras 3.6,
    and later ones made a constant above 2^31 overflow on torch. TensorFlow has no `>>`; nothing is negative here."""
    value = value & MASK
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        value = ((value ^ (value // 2**shift)) * factor) & MASK
    return value ^ (value // 2**16)


def _refuse(name: str) -> Callable[..., Any]:
    def refused(*_: Any, **__: Any) -> Any:
        raise Unsupported(f"no float64 run: the model draws from keras.random.{name}, which has no shared stream")

    return refused


def record(recorded: Recording, drive: Drive, seed: int) -> None:
    """Adds the first numbers that this backend draws from the seed, and those that its devices draw together for the rows of
    a batch: each for its own, unless arrays are global. Float64 (NUMBERS,): equal here, equal streams."""
    own = fingerprint(seed)
    if drive.global_rows:
        recorded.add(names.STREAM, {"backends": own, "replicas": own})
        return
    each = own[: max(1, NUMBERS // drive.devices)]
    parts = drive.gather(names.STREAM, {"drawn": each})
    if parts:
        copies = NUMBERS // (len(each) * len(parts))  # of replicas in one process
        together = np.concatenate([part["drawn"] for part in parts for _ in range(copies)])
        recorded.add(names.STREAM, {"backends": own, "replicas": together})


def fingerprint(seed: int) -> np.ndarray:
    """The first numbers that this backend draws from the seed, float64 (NUMBERS,)."""
    import keras

    numbers: np.ndarray = keras.ops.convert_to_numpy(keras.random.uniform((NUMBERS,), seed=seed))
    return numbers.astype(np.float64)
