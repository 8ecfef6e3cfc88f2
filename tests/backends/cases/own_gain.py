"""A subclassed model in mixed precision, with a weight of its own: on JAX its output is float32, and bfloat16 elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    @keras.saving.register_keras_serializable(package="own_gain")
    class Gain(keras.Model):  # type: ignore[misc]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.hidden = keras.layers.Dense(16, activation="tanh", name="hidden")
            self.out = keras.layers.Dense(1, name="out")

        def build(self, shape: Any) -> None:
            self.gain = self.add_weight(shape=(1,), initializer="ones", name="gain")
            self.hidden.build(shape)
            self.out.build((None, 16))
            self.built = True

        def call(self, x: Any) -> Any:
            return self.out(self.hidden(x)) * self.gain

    made = Gain()
    made.build((None, 12))
    return made


def rows(n: int = 256) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    x = random.normal(1.0, 2.0, size=(n, 12)).astype("float32")
    y = (np.sin(x[:, :1]) + 0.5 * x[:, 1:2]).astype("float32")
    return x, y


def data() -> Data:
    x, y = rows()
    return Data(x=x, y=y)


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


SCENARIO = Scenario(
    name="own-gain",
    description="a subclassed model in mixed precision that multiplies its output with a weight of its own",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    outputs="values",
    dtype_policy="mixed_bfloat16",
)
