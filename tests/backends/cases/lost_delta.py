"""A loss whose file has lost its argument: Huber does not save delta (K-12)."""

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
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.Dense(1, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(5)
    x = random.normal(size=(320, 8)).astype("float32")
    y = 3 * x[:, :2].sum(1, keepdims=True).astype("float32")
    return Data(x=x[:256], y=y[:256], predict=x[256:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.03125, momentum=0.75)


def loss() -> Any:
    import keras

    return keras.losses.Huber(delta=0.25)


def metrics() -> Any:
    import keras

    return [keras.metrics.MeanAbsoluteError(name="mae"), keras.metrics.RootMeanSquaredError(name="rmse")]


SCENARIO = Scenario(
    name="lost-delta",
    description="a loss that loses its delta when it is saved",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=loss,
    metrics=metrics,
    batch=32,
    steps=8,
    outputs="values",
)
