"""Slopes that no binary number holds: LeakyReLU, PReLU, ELU."""

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
            layers.Dense(16, name="first"),
            layers.LeakyReLU(negative_slope=0.1, name="leaky"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(16, name="second"),
            layers.ELU(alpha=0.7, name="elu"),
            layers.Dense(8, name="third"),
            layers.ReLU(negative_slope=0.3, max_value=6.0, name="relu"),
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

    return keras.optimizers.Adam(0.003)


SCENARIO = Scenario(
    name="leaky-slopes",
    description="activations with decimal constants",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=8,
    outputs="values",
)
