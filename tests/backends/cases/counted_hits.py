"""Metrics that count, with rows to validate on: on torch, what fit says of them becomes the number of the validation."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    x = inputs = keras.Input((6,))
    x = layers.Dense(12, name="hidden")(x)
    x = layers.BatchNormalization(momentum=0.8, name="norm")(x)
    x = layers.Activation("tanh", name="tanh")(x)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="output")(x))


def data() -> Data:
    random = np.random.default_rng(3)
    x = random.normal(size=(96, 6)).astype("float32")
    y = (x[:, :1] + 0.5 * random.normal(size=(96, 1)) > 0.4).astype("float32")
    return Data(x=x[:64], y=y[:64], validation=(x[64:80], y[64:80]), predict=x[80:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


def metrics() -> list[Any]:
    import keras

    return [keras.metrics.TruePositives(name="hits"), "accuracy"]


SCENARIO = Scenario(
    name="counted-hits",
    description="how many hits fit and evaluate count",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="binary_crossentropy",
    metrics=metrics,
    batch=16,
    epochs=2,
)
