"""A model that resizes uint8 photos: TensorFlow does not round them, and the others round halves to either side."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    x = keras.Input((12, 8, 3), dtype="uint8", name="photo")
    y = keras.layers.Resizing(6, 6, name="resize")(x)
    y = keras.layers.Rescaling(1 / 255.0, name="scale")(y)
    y = keras.layers.Conv2D(4, 3, name="conv")(y)
    y = keras.layers.BatchNormalization(momentum=0.8, name="norm")(y)
    y = keras.layers.ReLU(name="relu")(y)
    y = keras.layers.Flatten(name="flat")(y)
    y = keras.layers.Dense(1, name="out")(y)
    return keras.Model(x, y)


def data() -> Data:
    random = np.random.default_rng(7)
    x = random.integers(0, 256, size=(256, 12, 8, 3)).astype("uint8")
    y = (x[:, :6].mean((1, 2, 3)) - x[:, 6:, :2].mean((1, 2, 3))).astype("float32")[:, None] / 64.0
    return Data(x=x, y=y)


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


SCENARIO = Scenario(
    name="byte-photos",
    description="a model that resizes uint8 photos",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    outputs="values",
)
