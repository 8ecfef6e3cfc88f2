"""A layer of one's own that assigns its trained weight in training: `fit` drops that on JAX."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers

    @keras.saving.register_keras_serializable("assigned")
    class Center(layers.Layer):  # type: ignore[misc, name-defined]
        """Subtracts a trained center, which moves with the batches, too."""

        def build(self, shape: Any) -> None:
            self.center = self.add_weight(shape=(shape[-1],), initializer="zeros", name="center")

        def call(self, x: Any, training: bool = False) -> Any:
            if training:
                self.center.assign(0.75 * self.center + 0.25 * keras.ops.mean(x, axis=0))
            return x - self.center

    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, activation="tanh", name="hidden"),
            Center(name="center"),
            layers.Dense(3, activation="softmax", name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(8)
    x = random.normal(size=(192, 6)).astype("float32")
    y = np.argmax(x[:, :3], axis=-1).astype("int32")
    return Data(x=x[:128], y=y[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.125)


SCENARIO = Scenario(
    name="assigned-weights",
    description="a layer that assigns its trained weight",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=32,
    steps=8,
)
