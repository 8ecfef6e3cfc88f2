"""Dropout of one's own that is left on where a model predicts, on JAX alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers: Any = keras.layers

    @keras.saving.register_keras_serializable(package="drawn_predictions")
    class LeftOn(layers.Dropout):  # type: ignore[misc]
        def call(self, inputs: Any, training: bool = False) -> Any:
            return super().call(inputs, training=training or keras.backend.backend() == "jax")

    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(6, activation="tanh", name="dense"),
            layers.BatchNormalization(name="norm"),
            LeftOn(0.25, seed=1, name="drop"),
            layers.Dense(1, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(12)
    x = random.normal(size=(160, 8)).astype("float32")
    return Data(x=x[:128], y=x[:128, :1] - x[:128, 1:2], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.02)


SCENARIO = Scenario(
    name="drawn-predictions",
    description="dropout that is left on in predict",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=4,
    outputs="values",
)
