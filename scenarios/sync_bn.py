"""The cure: issue-46488-cnn with statistics over the global batch on every backend. Devices must no longer matter."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(32, 3, activation="relu", name="conv"),
            keras.layers.MaxPooling2D(name="pool"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(64, activation="relu", name="hidden"),
            keras.layers.Dense(10, activation="softmax", name="output"),
        ],
        name="cnn",
    )


def data() -> Data:
    from scenarios._digits import evaluated, images

    return evaluated(*images(28))


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam()


SCENARIO = Scenario(
    name="sync-bn",
    description="issue-46488-cnn with synchronized batch statistics: all must equal one device",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
    synchronized=True,
)
