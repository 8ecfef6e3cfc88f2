"""Noise from a layer with a seed, without batch normalization: replicas draw for their own rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(16, name="hidden"),
            layers.GaussianNoise(0.25, seed=3, name="noise"),
            layers.ReLU(name="relu"),
            layers.Dense(2, activation="softmax", name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(6)
    x = random.normal(size=(320, 8)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    return Data(x=x[:256], y=y[:256], predict=x[256:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.125)


def loss() -> Any:
    import keras

    return keras.losses.SparseCategoricalCrossentropy()


SCENARIO = Scenario(
    name="seeded-noise",
    description="noise that each replica draws for its own rows",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=loss,
    batch=32,
    steps=8,
)
