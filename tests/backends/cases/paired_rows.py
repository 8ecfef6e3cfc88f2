"""Batch normalization, and a loss of a row that depends on the others of the batch: replicas see their own rows in both."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(16, activation="tanh", name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(4, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(6)
    x = random.normal(size=(160, 12)).astype("float32")
    return Data(x=x[:128], y=x[:128, :4], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


def loss() -> Any:
    import keras

    @keras.saving.register_keras_serializable(package="cases", name="Paired")
    class Paired(keras.losses.Loss):  # type: ignore[misc]
        """The distance of a row to its target, and a tenth of that to the mean of the batch."""

        def call(self, y_true: Any, y_pred: Any) -> Any:
            ops = keras.ops
            away = ops.mean(ops.square(y_pred - ops.mean(y_pred, axis=0, keepdims=True)), axis=-1)
            return ops.mean(ops.square(y_pred - y_true), axis=-1) + 0.1 * away

    return Paired()


SCENARIO = Scenario(
    name="paired-rows",
    description="batch normalization, and a loss over pairs of rows",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=loss,
    batch=32,
    steps=6,
    outputs="values",
)
