"""The absolute size of exact zeros: a penalty of biases that begin at 0, and a loss of padding that is predicted as 0. JAX
takes 1 for its slope there, and other backends 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((6, 4)),
            layers.Dense(8, activation="tanh", bias_regularizer="l1", name="hidden"),
            layers.Dense(4, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(1)
    x = random.normal(size=(192, 6, 4)).astype("float32")
    x[:, 4:] = 0.0
    return Data(x=x[:128], y=x[:128] * 2, predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="exact-zeros",
    description="absolute values of exact zeros",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mae",
    batch=32,
    steps=8,
    outputs="values",
)
