"""A layer of one's own that rounds its kernel where it predicts, on torch alone; training is equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers: Any = keras.layers
    ops = keras.ops

    @keras.saving.register_keras_serializable(package="rounded_predictions")
    class Rounded(layers.Dense):  # type: ignore[misc]
        def call(self, inputs: Any, training: Any = None) -> Any:
            kernel = self.kernel
            if not training and keras.backend.backend() == "torch":
                kernel = ops.round(kernel * 256.0) / 256.0
            return ops.matmul(inputs, kernel) + self.bias

    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(6, activation="tanh", name="dense"),
            layers.BatchNormalization(name="norm"),
            Rounded(1, name="rounded"),
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
    name="rounded-predictions",
    description="a layer that rounds its kernel where it predicts",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=4,
    outputs="values",
)
