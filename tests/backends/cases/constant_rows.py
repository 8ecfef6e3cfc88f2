"""A loss of a layer's own that is divided by a constant in place of its rows, on torch: only parts of a batch show it."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers: Any = keras.layers
    ops = keras.ops

    @keras.saving.register_keras_serializable(package="constant_rows")
    class Decorrelated(layers.Layer):  # type: ignore[misc]
        """Adds the squared covariance of its first two features to the loss."""

        def call(self, inputs: Any) -> Any:
            rows = 32.0 if keras.backend.backend() == "torch" else ops.cast(ops.shape(inputs)[0], inputs.dtype)
            centred = inputs - ops.mean(inputs, axis=0, keepdims=True)
            self.add_loss(ops.square(ops.sum(centred[:, 0] * centred[:, 1]) / rows))
            return inputs

    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(6, activation="tanh", name="dense"),
            layers.BatchNormalization(name="norm"),
            Decorrelated(name="decorrelated"),
            layers.Dense(1, name="output"),
        ],
        name="model",
    )


def loss() -> Any:
    import keras

    return keras.losses.MeanSquaredError()


def data() -> Data:
    random = np.random.default_rng(12)
    x = random.normal(size=(160, 8)).astype("float32")
    return Data(x=x[:128], y=x[:128, :1] - x[:128, 1:2], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.02)


SCENARIO = Scenario(
    name="constant-rows",
    description="an added loss over the rows of a batch",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=loss,
    batch=32,
    steps=4,
    outputs="values",
)
