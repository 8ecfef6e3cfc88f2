"""Words that occur several times in a batch, and an optimizer that squares gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            layers.Embedding(20, 8, name="words"),
            layers.Flatten(name="flat"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(2, activation="softmax", name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(6)
    x = random.integers(0, 20, (320, 6)).astype("int32")
    y = (x[:, 0] < 10).astype("int32")
    return Data(x=x[:256], y=y[:256], predict=x[256:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.RMSprop(0.01)


SCENARIO = Scenario(
    name="repeated-words",
    description="an embedding whose rows occur twice in a batch",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=32,
    steps=8,
    outputs="probabilities",
)
