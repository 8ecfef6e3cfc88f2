"""An optimizer with everything that must go on from a file: momentum, a schedule, averages and accumulated gradients."""

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

    schedule = keras.optimizers.schedules.ExponentialDecay(0.125, decay_steps=4, decay_rate=0.5)
    return keras.optimizers.Adam(
        schedule, epsilon=2.0**-10, global_clipnorm=1.0, use_ema=True, ema_momentum=0.75, gradient_accumulation_steps=3
    )


def loss() -> Any:
    import keras

    return keras.losses.MeanSquaredError()


def metrics() -> Any:
    import keras

    return [keras.metrics.MeanAbsoluteError(name="mae"), keras.metrics.RootMeanSquaredError(name="rmse")]


SCENARIO = Scenario(
    name="resumed-training",
    description="training that goes on from its file",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=loss,
    metrics=metrics,
    batch=32,
    steps=8,
    outputs="values",
)
