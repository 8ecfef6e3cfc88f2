"""Images enlarged by bilinear interpolation, which TensorFlow computes in float32 whatever the model's dtype."""

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
            layers.Conv2D(4, 3, padding="same", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.UpSampling2D(2, interpolation="bilinear", name="enlarge"),
            layers.Conv2D(4, 3, activation="relu", name="again"),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(4, activation="softmax", name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(5)
    x = random.integers(0, 256, (192, 12, 12, 3)).astype("float32") / np.float32(255)
    y = random.integers(0, 4, 192).astype("int32")
    return Data(x=x[:128], y=y[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="enlarged-images",
    description="bilinear interpolation inside a model",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=32,
    steps=8,
    outputs="probabilities",
)
