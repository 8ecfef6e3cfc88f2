"""A rate that warms up from 0, behind dropout, and weight decay that leaves normalizations out by a name."""

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
            layers.Dense(16, name="dense"),
            layers.BatchNormalization(name="norm"),
            layers.Activation("tanh", name="tanh"),
            layers.Dropout(0.1, seed=7, name="drop"),
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

    rate = keras.optimizers.schedules.CosineDecay(0.0, 20, warmup_target=0.1, warmup_steps=3)
    optimizer = keras.optimizers.SGD(rate, momentum=0.875, weight_decay=0.125)
    optimizer.exclude_from_weight_decay(var_names=["norm"])
    return optimizer


SCENARIO = Scenario(
    name="warmed-up",
    description="warm-up, dropout and decay",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=6,
    outputs="values",
)
