"""Inputs with mean 1000 and standard deviation 1: a variance computed as E[x²] - E[x]² loses all its digits."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((16,)),
            keras.layers.BatchNormalization(momentum=0.5, name="norm"),
            keras.layers.Dense(32, activation="relu", name="hidden"),
            keras.layers.Dense(4, activation="softmax", name="output"),
        ],
        name="mlp",
    )


def data() -> Data:
    import numpy as np

    random = np.random.default_rng(1)
    labels = random.integers(0, 4, 1280 + 256).astype(np.int32)
    rows = random.normal(size=(len(labels), 16))
    rows[np.arange(len(labels)), labels] += 2.0
    rows = ((rows - rows.mean(0)) / rows.std(0) + 1000.0).astype(np.float32)
    return Data(x=rows[:1280], y=labels[:1280], predict=rows[1280:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam()


SCENARIO = Scenario(
    name="large-mean-bn",
    description="inputs of mean 1000 and standard deviation 1 into BN: one-pass variances cancel",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
)
