"""A layer that counts its calls, in predictions too, a metric and a penalty for which TensorFlow has no float64, and an
optimizer whose coefficients cannot be changed by much. Nothing differs."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers

    @keras.saving.register_keras_serializable("counted_calls")
    class Counting(keras.layers.Layer):  # type: ignore[misc]
        def build(self, shape: Any) -> None:
            self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")

        def call(self, inputs: Any) -> Any:
            self.seen.assign_add(1.0)
            return inputs

    return keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(
                16, activation="tanh", kernel_regularizer=keras.regularizers.OrthogonalRegularizer(0.01), name="hidden"
            ),
            Counting(name="counting"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(5, activation="softmax", name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(1)
    x = random.normal(size=(192, 12)).astype("float32")
    y = (x @ random.normal(size=(12, 5))).argmax(1)
    return Data(x=x[:128], y=y[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Muon(learning_rate=0.01, adam_lr_ratio=0.1)


def metrics() -> Any:
    import keras

    return [keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")]


SCENARIO = Scenario(
    name="counted-calls",
    description="a layer that counts its calls",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    metrics=metrics,
    batch=32,
    steps=8,
)
