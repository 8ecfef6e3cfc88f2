"""Two inputs, two outputs, and a loss for each."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    left, right = keras.Input((6,), name="left"), keras.Input((4,), name="right")
    both = layers.Concatenate(name="both")([left, right])
    hidden = layers.BatchNormalization(name="norm")(layers.Dense(12, activation="relu", name="hidden")(both))
    value = layers.Dense(1, name="value")(hidden)
    label = layers.Dense(3, activation="softmax", name="label")(hidden)
    return keras.Model([left, right], {"value": value, "label": label}, name="model")


def data() -> Data:
    random = np.random.default_rng(9)
    x = {"left": random.normal(size=(320, 6)).astype("float32"), "right": random.normal(size=(320, 4)).astype("float32")}
    y = {
        "value": x["left"][:, :1] * 2,
        "label": random.integers(0, 3, 320).astype("int32"),
    }
    return Data(
        x={name: value[:256] for name, value in x.items()},
        y={name: value[:256] for name, value in y.items()},
        predict={name: value[256:] for name, value in x.items()},
    )


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.003)


def loss() -> Any:
    return {"value": "mse", "label": "sparse_categorical_crossentropy"}


SCENARIO = Scenario(
    name="two-heads",
    description="two outputs with a loss for each",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=loss,
    batch=32,
    steps=8,
    outputs="values",
)
