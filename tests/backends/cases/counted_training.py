"""A layer that counts the batches of training in a trained weight, on several devices too: `fit` drops that on JAX alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers

    @keras.saving.register_keras_serializable("counted")
    class Warming(layers.Layer):  # type: ignore[misc, name-defined]
        """Returns its inputs, times a factor that grows with the batches of training."""

        def build(self, shape: Any) -> None:
            self.batches = self.add_weight(shape=(), initializer="zeros", name="batches")

        def call(self, x: Any, training: bool = False) -> Any:
            if training:
                self.batches.assign(self.batches + 1.0)
            return x * keras.ops.stop_gradient(keras.ops.minimum(1.0, 0.5 + self.batches / 16.0))

    return keras.Sequential(
        [
            keras.Input((7,)),
            layers.Dense(8, activation="relu", name="hidden"),
            Warming(name="warming"),
            layers.Dense(2, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(9)
    x = random.normal(size=(192, 7)).astype("float32")
    return Data(x=x[:128], y=x[:128, :2], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(2.0**-8)


SCENARIO = Scenario(
    name="counted-training",
    description="a layer that counts the batches of training in a trained weight",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=8,
)
