"""What a usual script does: class weights, shuffled epochs, a validation split, metrics and callbacks that act."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(32, activation="relu", name="hidden"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dense(1, activation="sigmoid", name="output"),
        ],
        name="script",
    )


def data() -> Data:
    import numpy as np

    from scenarios._digits import images

    pixels, labels = images(8)
    return Data(x=pixels[:1600].reshape(1600, 64), y=(labels[:1600] == 8).astype(np.int32))


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


def metrics() -> list[Any]:
    import keras

    return ["accuracy", keras.metrics.AUC(name="auc")]


def callbacks() -> list[Any]:
    import keras

    return [
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=1, min_delta=0.02),
        keras.callbacks.ReduceLROnPlateau(monitor="val_auc", mode="max", factor=0.5, patience=0, min_delta=0.01),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate if epoch < 2 else rate * 0.5),
        keras.callbacks.ModelCheckpoint("best.keras", monitor="val_loss", save_best_only=True),
    ]


SCENARIO = Scenario(
    name="from-a-script",
    description="Class weights, shuffled epochs, a validation split, metrics, early stopping and a falling rate; Adam",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="binary_crossentropy",
    metrics=metrics,
    epochs=4,
    shuffle=True,
    validation_split=0.2,
    class_weight={0: 1.0, 1: 8.0},
    callbacks=callbacks,
)
