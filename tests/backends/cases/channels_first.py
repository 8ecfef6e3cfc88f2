"""Images with the channels first, as wide as a layer has filters."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((3, 8, 8)),
            layers.Conv2D(8, 3, padding="same", data_format="channels_first", name="conv"),
            layers.BatchNormalization(axis=1, name="norm"),
            layers.ReLU(name="active"),
            layers.GlobalAveragePooling2D(data_format="channels_first", name="pool"),
            layers.Dense(4, activation="softmax", name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(7)
    x = random.normal(size=(192, 3, 8, 8)).astype("float32")
    y = random.integers(0, 4, 192).astype("int32")
    return Data(x=x[:128], y=y[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05, momentum=0.9)


SCENARIO = Scenario(
    name="channels-first",
    description="channels first, as wide as there are filters",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=32,
    steps=8,
    outputs="probabilities",
)
