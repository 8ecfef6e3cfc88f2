"""Momentum, weight decay and a schedule that moves at every step, for faults of the update."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(24, activation="relu", name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(24, activation="relu", name="middle"),
            layers.Dense(10, activation="softmax", name="output"),
        ],
        name="mlp",
    )


def data() -> Data:
    from scenarios._digits import images, split

    x, y = images(8)
    rows, labels, predict = split(x.reshape(len(x), -1), y, rows=384, predict=64)
    return Data(x=rows, y=labels, predict=predict)


def optimizer() -> Any:
    import keras

    schedule = keras.optimizers.schedules.ExponentialDecay(2.0**-9, decay_steps=8, decay_rate=0.5)
    return keras.optimizers.SGD(schedule, momentum=0.9, weight_decay=2.0**-8)


SCENARIO = Scenario(
    name="injected-sgd",
    description="an MLP with BN, SGD with momentum, weight decay and a schedule, for injected faults",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=32,
    steps=10,
)
