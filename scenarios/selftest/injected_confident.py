"""Probabilities that reach 0 and 1 from the start. On TensorFlow Keras computes the loss from logits, and clips nothing."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers, large = keras.layers, keras.initializers.RandomNormal(stddev=4.0)
    return keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(24, activation="relu", name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(24, activation="relu", name="middle"),
            layers.Dense(10, activation="softmax", kernel_initializer=large, name="output"),
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

    return keras.optimizers.SGD(2.0**-8)


SCENARIO = Scenario(
    name="injected-confident",
    description="an MLP with BN and a large last kernel, for injected faults",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=32,
    steps=10,
)
