"""What most faults are injected in: batch normalization, a penalty, two layers of one shape, and Adam."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(24, activation="relu", kernel_regularizer=keras.regularizers.L2(2.0**-9), name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(24, activation="relu", name="middle"),
            layers.Dense(24, activation="relu", name="inner"),
            layers.Dense(10, activation="softmax", name="output"),
        ],
        name="mlp",
    )


def data() -> Data:
    from scenarios._digits import images, split

    x, y = images(8)
    rows, labels, predict = split(x.reshape(len(x), -1), y, rows=384, predict=64)
    return Data(x=rows, y=labels, predict=predict)


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


SCENARIO = Scenario(
    name="injected-adam",
    description="an MLP with BN, a penalty and Adam, for injected faults",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=32,
    steps=10,
)
