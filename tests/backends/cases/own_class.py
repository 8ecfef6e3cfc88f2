"""A model of one's own class, which makes its layers by itself: its file holds no constants of these."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers

    @keras.saving.register_keras_serializable(package="own_class")
    class Normalized(keras.Model):  # type: ignore[misc]
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.hidden = layers.Dense(16, name="hidden")
            self.norm = layers.BatchNormalization(momentum=0.9, name="norm")
            self.output_layer = layers.Dense(1, name="output")

        def build(self, shape: Any) -> None:
            self.hidden.build(shape)
            self.norm.build((shape[0], 16))
            self.output_layer.build((shape[0], 16))

        def call(self, inputs: Any, training: bool = False) -> Any:
            return self.output_layer(self.norm(self.hidden(inputs), training=training))

    made = Normalized(name="model")
    made.build((None, 8))
    return made


def data() -> Data:
    random = np.random.default_rng(12)
    x = random.normal(size=(160, 8)).astype("float32")
    return Data(x=x[:128], y=x[:128, :1] - x[:128, 1:2], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.02)


SCENARIO = Scenario(
    name="own-class",
    description="a model whose class makes its layers by itself",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=6,
    outputs="values",
)
