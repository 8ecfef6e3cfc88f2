"""Sequences of unequal length: batch statistics must leave out the padding."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((8, 8)),
            keras.layers.Masking(name="mask"),
            keras.layers.Dense(16, name="project"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.GlobalAveragePooling1D(name="average"),
            keras.layers.Dense(10, activation="softmax", name="output"),
        ],
        name="sequence",
    )


def data() -> Data:
    import numpy as np

    from scenarios._digits import images, split

    x, y = images(8)
    lengths = np.random.default_rng(2).integers(4, 9, len(x))
    padded = x[..., 0] * (np.arange(8) < lengths[:, None])[..., None].astype(np.float32)
    rows, labels, predict = split(padded, y)
    return Data(x=rows, y=labels, predict=predict)


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


SCENARIO = Scenario(
    name="masked-bn",
    description="a masked sequence through BN: rows of an image as steps, 4 to 8 of them real",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
)
