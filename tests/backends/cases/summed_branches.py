"""Branches that are added and scaled by operators, as in many residual networks; an old .h5 file cannot hold them."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    x = inputs = keras.Input((12,))
    for index in range(2):
        branch = layers.Dense(12, use_bias=False, name=f"dense_{index}")(x)
        branch = layers.BatchNormalization(name=f"norm_{index}")(branch)
        x = x + 0.5 * layers.Activation("tanh", name=f"tanh_{index}")(branch)
    return keras.Model(inputs, layers.Dense(1, name="output")(x), name="model")


def data() -> Data:
    random = np.random.default_rng(8)
    x = random.normal(size=(160, 12)).astype("float32")
    return Data(x=x[:128], y=x[:128, :3].sum(1, keepdims=True), predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="summed-branches",
    description="x + 0.5 * y between layers",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=4,
    outputs="values",
)
