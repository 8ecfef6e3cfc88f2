"""mixed_float16: compile wraps the optimizer, so that there are two sets of slots."""

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
            layers.Dense(16, activation="relu", name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(3, activation="softmax", dtype="float32", name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(4)
    x = random.normal(size=(320, 12)).astype("float32")
    y = (x[:, 0] > 0).astype("int32") + (x[:, 1] > 0).astype("int32")
    return Data(x=x[:256], y=y[:256], predict=x[256:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.003)


SCENARIO = Scenario(
    name="half-precision",
    description="a mixed_float16 policy",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=32,
    steps=8,
    outputs="probabilities",
    dtype_policy="mixed_float16",
)
