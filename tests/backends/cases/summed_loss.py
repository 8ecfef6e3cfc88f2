"""A loss that is a sum over the batch, and no batch normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(16, activation="tanh", name="hidden"),
            layers.Dense(1, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(3)
    x = random.normal(size=(320, 12)).astype("float32")
    y = (x[:, :4].sum(1, keepdims=True) + 0.1 * random.normal(size=(320, 1))).astype("float32")
    return Data(x=x[:256], y=y[:256], predict=x[256:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.0005)


def loss() -> Any:
    import keras

    return keras.losses.MeanAbsoluteError(reduction="sum")


SCENARIO = Scenario(
    name="summed-loss",
    description="a loss that is a sum",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=loss,
    batch=32,
    steps=8,
    outputs="values",
)
