"""After few steps, evaluate says much less than fit, on every backend: moving statistics lag behind those of batches."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(16, 3, activation="relu", name="conv"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(10, activation="softmax", name="output"),
        ],
        name="few",
    )


def data() -> Data:
    from scenarios._digits import PREDICT_ROWS, TRAIN_ROWS, images

    pixels, labels = images(8)
    other = slice(TRAIN_ROWS, TRAIN_ROWS + PREDICT_ROWS)
    return Data(x=pixels[:TRAIN_ROWS], y=labels[:TRAIN_ROWS], evaluate=(pixels[other], labels[other]))


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.002)


SCENARIO = Scenario(
    name="evaluation-after-few-steps",
    description="Conv-BN-Dense for one epoch of 20 steps: what fit says, and what evaluate says of the same rows; Adam",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
    epochs=1,
)
