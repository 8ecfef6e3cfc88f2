"""A layer keeps the mean of what a normalization has centred: zero, but for rounding, on every backend."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def _centred() -> Any:
    import keras

    @keras.saving.register_keras_serializable(package="cases", name="Centred")
    class Centred(keras.layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.mean = self.add_weight(shape=(shape[-1],), initializer="zeros", trainable=False, name="mean")
            self.spread = self.add_weight(shape=(shape[-1],), initializer="ones", trainable=False, name="spread")

        def call(self, x: Any, training: Any = None) -> Any:
            if training:
                ops = keras.ops
                self.mean.assign(0.9 * self.mean + 0.1 * ops.stop_gradient(ops.mean(x, axis=0)))
                self.spread.assign(0.9 * self.spread + 0.1 * ops.stop_gradient(ops.std(x, axis=0)))
            return (x - self.mean) / self.spread

    return Centred


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(16, activation="tanh", name="hidden"),
            layers.BatchNormalization(center=False, momentum=0.9, name="norm"),
            layers.Dense(6, use_bias=False, name="code"),
            _centred()(name="centred"),
            layers.Dense(1, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(4)
    x = random.normal(size=(160, 12)).astype("float32")
    return Data(x=x[:128], y=x[:128, :3].sum(1, keepdims=True), predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="centred-state",
    description="state that is zero, but for rounding",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=6,
    outputs="values",
)
