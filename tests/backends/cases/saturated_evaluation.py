"""Moving statistics that lag make predictions of almost exactly 0: the loss of `evaluate` is clipped on JAX and torch, and
TensorFlow takes it from the logits. Training, weights and predictions are equal."""

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
            layers.Dense(8, activation="relu", name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(1, activation="sigmoid", name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(4)
    x = (random.random((96, 6)) * 255).astype("float32")
    y = (x[:, :3].sum(1) > x[:, 3:].sum(1)).astype("float32")[:, None]
    return Data(x=x, y=y, predict=x)


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="saturated-evaluation",
    description="Predictions of almost exactly 0 in evaluate alone",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="binary_crossentropy",
    batch=16,
    steps=12,
)
