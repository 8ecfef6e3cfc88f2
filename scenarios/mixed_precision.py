"""Computed in bfloat16, kept in float32: rounding is 65,000 times coarser, and must still be told from a difference."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(64, name="hidden"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.ReLU(name="relu"),
            keras.layers.Dense(10, activation="softmax", dtype="float32", name="output"),
        ],
        name="mlp",
    )


def data() -> Data:
    from scenarios._digits import images, split

    x, y = images(28)
    rows, labels, predict = split(x.reshape(len(x), -1), y)
    return Data(x=rows, y=labels, predict=predict)


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam()


SCENARIO = Scenario(
    name="mixed-precision",
    description="a BN MLP under mixed_bfloat16",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    dtype_policy="mixed_bfloat16",
)
