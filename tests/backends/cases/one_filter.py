"""A convolution with one filter, as at the end of every autoencoder."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((10, 10, 1)),
            layers.Conv2D(6, 3, padding="same", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="active"),
            layers.Conv2D(1, 3, padding="same", name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(8)
    x = random.random((192, 10, 10, 1)).astype("float32")
    return Data(x=x[:128], y=x[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.003)


SCENARIO = Scenario(
    name="one-filter",
    description="a convolution with one filter",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=8,
    outputs="values",
)
