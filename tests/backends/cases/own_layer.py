"""A registered layer of the scenario's own, and no custom_objects."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def _halving() -> Any:
    import keras

    @keras.saving.register_keras_serializable("cases")
    class Halving(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return inputs / 2

    return Halving


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(16, activation="relu", name="hidden"),
            layers.BatchNormalization(name="norm"),
            _halving()(name="half"),
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


SCENARIO = Scenario(
    name="own-layer",
    description="a layer of the scenario's own",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=8,
    outputs="values",
)
