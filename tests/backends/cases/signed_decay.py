"""Steps of one size, with weight decay: the only rounding is that of the weights themselves, the same in every rerun."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((24,)),
            layers.Dense(16, activation="tanh", name="hidden"),
            layers.Dense(1, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(5)
    x = random.normal(size=(160, 24)).astype("float32")
    return Data(x=x[:128], y=x[:128, :4].sum(1, keepdims=True), predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Lion(3e-4, weight_decay=0.01)


SCENARIO = Scenario(
    name="signed-decay",
    description="Lion with weight decay",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=6,
    outputs="values",
)
