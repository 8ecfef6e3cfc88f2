"""A masked loss: shards hold different numbers of real steps, so that means of means are not the mean."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8)),
            layers.Masking(name="mask"),
            layers.Dense(16, activation="relu", name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(10, activation="softmax", name="output"),
        ],
        name="sequence",
    )


def data() -> Data:
    import numpy as np

    from scenarios._digits import images, split

    x, y = images(8)
    lengths = np.random.default_rng(3).integers(2, 9, len(x))
    padded = x[..., 0] * (np.arange(8) < lengths[:, None])[..., None].astype(np.float32)
    rows, labels, predict = split(padded, np.repeat(y[:, None], 8, axis=1), rows=384, predict=64)
    return Data(x=rows, y=labels, predict=predict)


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


SCENARIO = Scenario(
    name="injected-sequence",
    description="a masked sequence with a loss at every real step, for injected faults",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=32,
    steps=10,
)
