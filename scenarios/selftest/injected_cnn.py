"""A convolution whose output is as wide and high as it has channels, so that a wrong axis still fits."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, padding="same", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.GlobalAveragePooling2D(name="average"),
            layers.Dense(10, activation="softmax", name="output"),
        ],
        name="cnn",
    )


def data() -> Data:
    from scenarios._digits import images, split

    x, y = images(8)
    rows, labels, predict = split(x, y, rows=384, predict=64)
    return Data(x=rows, y=labels, predict=predict)


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


SCENARIO = Scenario(
    name="injected-cnn",
    description="a small CNN with BN, for injected faults",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=32,
    steps=10,
)
