"""A convolution over images with a black background, and LeakyReLU behind it: most of its inputs are exactly 0 at first.

A slope by the activation's name and a constraint, which only look like departures from definitions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(4, 3, strides=2, name="conv"),
            layers.LeakyReLU(0.2, name="leaky"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(name="flat"),
            layers.Dense(8, activation="leaky_relu", name="hidden"),
            layers.Dense(2, activation="softmax", kernel_constraint=keras.constraints.MaxNorm(0.7), name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(9)
    x = np.zeros((320, 12, 12, 1), np.float32)
    x[:, 4:8, 4:8] = random.normal(size=(320, 4, 4, 1))
    y = (x.sum((1, 2, 3)) > 0).astype("int32")
    return Data(x=x[:256], y=y[:256], predict=x[256:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="black-background",
    description="LeakyReLU of exact zeros",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=32,
    steps=8,
    outputs="probabilities",
)
