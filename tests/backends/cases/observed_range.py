"""A layer of one's own that observes a range, and clips to it: on JAX also where the model predicts."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers: Any = keras.layers
    ops = keras.ops

    @keras.saving.register_keras_serializable(package="observed_range")
    class Observer(layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.limit = self.add_weight(shape=(shape[-1],), initializer="ones", trainable=False, name="limit")

        def call(self, inputs: Any, training: Any = None) -> Any:
            if training or keras.backend.backend() == "jax":
                largest = ops.stop_gradient(ops.max(ops.abs(inputs), axis=0))
                self.limit.assign(0.9 * self.limit + 0.1 * largest)
            limit = ops.convert_to_tensor(self.limit)
            return ops.maximum(ops.minimum(inputs, limit), -limit)

    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(6, name="dense"),
            layers.BatchNormalization(name="norm"),
            Observer(name="observer"),
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
    name="observed-range",
    description="a layer that clips to the range that it observed",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=6,
    outputs="values",
)
