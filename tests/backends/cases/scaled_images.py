"""Pixels scaled to -1 to 1 by a layer, as most image models begin."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Rescaling(1.0 / 127.5, offset=-1.0, name="scale"),
            layers.Conv2D(6, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="active"),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(4, activation="softmax", name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(5)
    x = random.integers(0, 256, (192, 12, 12, 3)).astype("float32")
    y = random.integers(0, 4, 192).astype("int32")
    return Data(x=x[:128], y=y[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="scaled-images",
    description="pixels scaled by a layer",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=32,
    steps=8,
    outputs="probabilities",
)
