"""The learning rate is a function that counts how often it is asked: a compiled step asks once, and torch in each step."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    hidden = keras.layers.Dense(8, activation="tanh", name="hidden")
    return keras.Sequential([keras.Input((6,)), hidden, keras.layers.Dense(2, name="out")])


def data() -> Data:
    x = np.random.default_rng(7).normal(size=(256, 6)).astype("float32")
    return Data(x=x, y=np.tanh(x[:, :2] + 0.5 * x[:, 1:3]).astype("float32"))


def optimizer() -> Any:
    import keras

    asked = [0]

    @keras.saving.register_keras_serializable(package="counted_rate")  # type: ignore[untyped-decorator]
    def rate() -> float:
        asked[0] += 1
        return 0.5 / asked[0]

    return keras.optimizers.SGD(rate)


SCENARIO = Scenario(
    name="counted-rate",
    description="a learning rate that is a function of how often it was asked",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    outputs="values",
)
