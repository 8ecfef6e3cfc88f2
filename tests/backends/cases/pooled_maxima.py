"""A global maximum of what is normalized after a maximum pooling: compiled by JAX, its gradient may be wrong on CPUs."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((10, 3)),
            layers.Conv1D(3, 3, padding="same", name="conv"),
            layers.MaxPooling1D(3, padding="valid", name="pool"),
            layers.BatchNormalization(epsilon=1e-5, name="norm"),
            layers.GlobalMaxPooling1D(name="maximum"),
            layers.Dense(1, activation="sigmoid", name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(12)
    x = random.normal(size=(112, 10, 3)).astype("float32")
    y = random.integers(0, 2, (80, 1)).astype("float32")
    return Data(x=x[:80], y=y, predict=x[80:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(2.0**-7)


SCENARIO = Scenario(
    name="pooled-maxima",
    description="a global maximum of what is normalized after a maximum pooling",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="binary_crossentropy",
    batch=16,
    steps=5,
)
