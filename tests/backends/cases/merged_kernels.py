"""A dense layer that is fine-tuned by LoRA: Keras merges its kernels as it saves, and does not save A and B."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    base = layers.Dense(16, activation="relu", name="base")
    made = keras.Sequential(
        [
            keras.Input((12,)),
            base,
            layers.BatchNormalization(name="norm"),
            layers.Dense(3, activation="softmax", name="output"),
        ],
        name="model",
    )
    base.enable_lora(2)
    return made


def data() -> Data:
    random = np.random.default_rng(3)
    x = random.normal(size=(320, 12)).astype("float32")
    y = np.argmax(x[:, :3], 1).astype("int32")
    return Data(x=x[:256], y=y[:256], predict=x[256:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


SCENARIO = Scenario(
    name="merged-kernels",
    description="a dense layer that is fine-tuned by LoRA",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=32,
    steps=8,
)
