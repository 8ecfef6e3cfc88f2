"""Dropout as everybody writes it: without a seed. Keras draws one when it builds the model, in each process another."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            keras.layers.Conv2D(8, 3, activation="relu", name="conv"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.SpatialDropout2D(0.1, name="maps"),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dropout(0.3, name="dropout"),
            keras.layers.Dense(10, activation="softmax", name="output"),
        ],
        name="cnn",
    )


def data() -> Data:
    from scenarios._digits import images, split

    rows, labels, predict = split(*images(16))
    return Data(x=rows, y=labels, predict=predict)


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam()


SCENARIO = Scenario(
    name="dropout-without-seed",
    description="dropout without a seed: every process draws another one, and no file holds it",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
)
