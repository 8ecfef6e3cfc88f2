"""A layer that goes on learning its mean where the model predicts: on several devices, each replica has its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    @keras.saving.register_keras_serializable(package="adapted_centre")
    class Centre(keras.layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.mean = self.add_weight(shape=(shape[-1],), initializer="zeros", trainable=False, name="mean")

        def call(self, x: Any, training: bool = False) -> Any:
            mean = keras.ops.stop_gradient(keras.ops.mean(x, axis=0))
            self.mean.assign(self.mean + (0.2 if training else 0.1) * (mean - self.mean))
            return x - self.mean

    x = inputs = keras.Input((8,))
    x = Centre(name="centre")(x)
    x = keras.layers.Dense(12, activation="tanh", name="hidden")(x)
    return keras.Model(inputs, keras.layers.Dense(1, name="out")(x))


def data() -> Data:
    x = np.random.default_rng(5).normal(1.0, 2.0, size=(256, 8)).astype("float32")
    y = np.sin(x[:, :1]) + 0.3 * x[:, 1:2]
    shifted = (0.5 * x[:64] + 0.4).astype("float32")
    return Data(x=x, y=y.astype("float32"), evaluate=(shifted, y[:64].astype("float32")), predict=shifted)


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


SCENARIO = Scenario(
    name="adapted-centre",
    description="a layer that goes on learning where the model predicts",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    outputs="values",
)
