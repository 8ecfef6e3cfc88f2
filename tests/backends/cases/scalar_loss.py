"""A loss function that returns one number, which Keras does not divide by the number of replicas."""

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
            layers.Dense(1, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(3)
    x = random.normal(size=(320, 12)).astype("float32")
    y = (x[:, :4].sum(1, keepdims=True) + 0.1 * random.normal(size=(320, 1))).astype("float32")
    return Data(x=x[:256], y=y[:256], predict=x[256:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


def loss() -> Any:
    import keras

    @keras.saving.register_keras_serializable("cases")  # type: ignore[untyped-decorator]
    def mean_square(y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(keras.ops.square(y_true - y_pred))

    return mean_square


SCENARIO = Scenario(
    name="scalar-loss",
    description="a loss function that returns one number",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=loss,
    batch=32,
    steps=8,
    outputs="values",
)
