"""A layer that skips its block in training, with a coin that Python throws. TensorFlow and JAX throw it once, while the step
is compiled; torch throws it in each step."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers

    @keras.saving.register_keras_serializable("thrown_coins")
    class Skipping(layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, units: int, **arguments: Any) -> None:
            super().__init__(**arguments)
            self.units, self.dense = units, layers.Dense(units, activation="tanh", name="dense")
            self.coin = random.Random(7)

        def build(self, shape: Any) -> None:
            self.dense.build(shape)
            super().build(shape)

        def call(self, inputs: Any, training: bool = False) -> Any:
            if training and self.coin.random() < 0.5:
                return inputs
            return inputs + self.dense(inputs)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    return keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(16, activation="tanh", name="stem"),
            Skipping(16, name="block"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(3, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    generator = np.random.default_rng(8)
    x = generator.normal(size=(160, 12)).astype("float32")
    return Data(x=x, y=np.tanh(x[:, :3]), predict=x)


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="thrown-coins",
    description="a layer that Python skips at random",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mean_squared_error",
    batch=16,
    steps=10,
    outputs="values",
)
