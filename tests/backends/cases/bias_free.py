"""Weight decay that leaves biases out by their name, and a layer that is called after the bias that it does not have."""

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
            layers.Dense(16, use_bias=False, name="bias_free"),
            layers.BatchNormalization(name="norm"),
            layers.Activation("tanh", name="tanh"),
            layers.Dense(1, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(8)
    x = random.normal(size=(160, 12)).astype("float32")
    return Data(x=x[:128], y=x[:128, :3].sum(1, keepdims=True), predict=x[128:])


def optimizer() -> Any:
    import keras

    optimizer = keras.optimizers.SGD(0.05, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


SCENARIO = Scenario(
    name="bias-free",
    description="names that weight decay leaves out",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=6,
    outputs="values",
)
