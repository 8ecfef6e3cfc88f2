"""Lion makes whole steps of what rounding leaves of a zero gradient: biases before a normalization wander, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(16, name="wide"),
            layers.BatchNormalization(name="norm_1"),
            layers.ELU(name="elu_1"),
            layers.Dense(8, name="narrow"),
            layers.BatchNormalization(name="norm_2"),
            layers.ELU(name="elu_2"),
            layers.Dense(1, activation="sigmoid", name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(32)
    x = random.normal(size=(352, 6)).astype("float32")
    y = (x[:, :1] + 0.5 * random.normal(size=(352, 1)) > 0).astype("float32")
    return Data(x=x[:320], y=y[:320], predict=x[320:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Lion(2.0**-10, weight_decay=2.0**-7)


SCENARIO = Scenario(
    name="steps-of-nothing",
    description="Lion, and biases before batch normalization",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="binary_crossentropy",
    batch=32,
    steps=20,
)
