"""A tagger of padded sentences: what fit says of its accuracy counts the padding on JAX alone (known defect K-63)."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    inputs = keras.Input((6,), dtype="int32")
    x = keras.layers.Embedding(20, 5, mask_zero=True, name="table")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    return keras.Model(inputs, keras.layers.Dense(3, name="output")(x), name="model")


def data() -> Data:
    random = np.random.default_rng(4)
    x = random.integers(1, 20, size=(160, 6)).astype("int32")
    x[np.arange(6) >= random.integers(1, 7, size=(160, 1))] = 0
    y = (x % 3).astype("int32")
    return Data(x=x[:128], y=y[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


def loss() -> Any:
    import keras

    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


SCENARIO = Scenario(
    name="masked-accuracy",
    description="a tagger of padded sentences",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=loss,
    metrics=["accuracy"],
    batch=32,
    epochs=2,
    outputs="logits",
)
