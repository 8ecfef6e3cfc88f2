"""A table of relative places that a layer takes rows of, and a norm over all gradients that clips them."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    @keras.saving.register_keras_serializable(package="relative_places")
    class Places(keras.layers.Layer):  # type: ignore[misc]
        """Adds a learned number for the distance of two places to each entry of a square."""

        def build(self, shape: Any) -> None:
            self.table = self.add_weight(shape=(7, 1), initializer="glorot_uniform", name="table")

        def call(self, inputs: Any) -> Any:
            distances = np.subtract.outer(np.arange(4), np.arange(4)).reshape(-1) + 3
            rows = keras.ops.take(self.table, distances, axis=0)
            return inputs + keras.ops.reshape(rows, (1, 4, 4))

        def compute_output_shape(self, shape: Any) -> Any:
            return shape

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((4, 4)),
            Places(name="places"),
            layers.Activation("tanh", name="tanh"),
            layers.Flatten(name="flat"),
            layers.Dense(1, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(8)
    x = random.normal(size=(160, 4, 4)).astype("float32")
    return Data(x=x[:128], y=x[:128, 0, :1] - x[:128, 3, :1], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01, global_clipnorm=0.25)


SCENARIO = Scenario(
    name="relative-places",
    description="rows of a table, clipped by the norm of all gradients",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=4,
    outputs="values",
)
