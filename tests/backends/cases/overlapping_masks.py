"""A small segmentation with the Dice loss of the whole batch, which Keras adds up over TensorFlow's replicas (K-62)."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, padding="same", name="features"),
            layers.BatchNormalization(name="norm"),
            layers.Activation("tanh", name="bounded"),
            layers.Conv2D(1, 1, activation="sigmoid", kernel_regularizer="l2", name="mask"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(11)
    x = random.normal(size=(160, 8, 8, 1)).astype("float32")
    y = (x + 0.3 * random.normal(size=x.shape) > 0.4).astype("float32")
    return Data(x=x[:128], y=y[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.1)


def loss() -> Any:
    import keras

    return keras.losses.Dice()


SCENARIO = Scenario(
    name="overlapping-masks",
    description="a segmentation with the Dice loss of the whole batch",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=loss,
    batch=16,
    steps=8,
    outputs="probabilities",
)
