"""A corner that only the second batch reaches: behind a dead ReLU, selu stands exactly at 0, where slopes differ."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(3, activation="relu", kernel_initializer="identity", name="few"),
            layers.Dense(12, activation="selu", kernel_initializer="lecun_normal", name="selu"),
            layers.Dense(1, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(29004)
    x = random.normal(size=(112, 10)).astype("float32")
    x[:16] = np.abs(x[:16])
    return Data(x=x[:80], y=random.normal(size=(80, 1)).astype("float32"), predict=x[80:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(2.0**-6, gradient_accumulation_steps=2)


SCENARIO = Scenario(
    name="second-batch",
    description="selu of exactly 0, in the second batch",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mean_squared_error",
    batch=16,
    steps=10,
)
