"""Identifiers of 64 bits, and a hash of them whose product overflows 32: JAX has integers of 32 bits unless it is asked."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    ops = keras.ops

    @keras.saving.register_keras_serializable(package="cases", name="Hashed")
    class Hashed(keras.layers.Layer):  # type: ignore[misc]
        def call(self, identifiers: Any) -> Any:
            return ops.cast(ops.mod(ops.cast(identifiers, "int64") * 1000003 + 17, 31), "int32")

    inputs = keras.Input((2,), dtype="int64")
    x = Hashed(name="hashed")(inputs)
    x = keras.layers.Flatten(name="flat")(keras.layers.Embedding(31, 4, name="table")(x))
    x = keras.layers.BatchNormalization(name="norm")(x)
    return keras.Model(inputs, keras.layers.Dense(1, name="output")(x), name="model")


def data() -> Data:
    random = np.random.default_rng(3)
    x = random.integers(0, 2**40, size=(160, 2))
    y = random.normal(size=(160, 1)).astype("float32")
    return Data(x=x[:128], y=y[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="wide-identifiers",
    description="identifiers of 64 bits, hashed",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=6,
    outputs="values",
)
