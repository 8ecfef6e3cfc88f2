"""A variational autoencoder draws random numbers in `predict`, too: no two predictions of the same rows are equal. It has an
operation of keras.ops, which the old .h5 format does not hold, and a layer whose configuration holds no name."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    @keras.saving.register_keras_serializable(package="parity_cases")
    class Sampling(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.seed_generator = keras.random.SeedGenerator(7)

        def call(self, inputs: Any) -> Any:
            mean, log_variance = inputs
            self.add_loss(-0.005 * keras.ops.mean(1 + log_variance - mean**2 - keras.ops.exp(log_variance)))
            drawn = keras.random.normal(keras.ops.shape(mean), seed=self.seed_generator)
            return mean + keras.ops.exp(0.5 * log_variance) * drawn

    layers = keras.layers
    x = keras.Input((12,))
    hidden = layers.BatchNormalization(name="norm")(layers.Dense(16, activation="relu", name="encoder")(x))
    mean, log_variance = layers.Dense(3, name="mean")(hidden), layers.Dense(3, name="log_variance")(hidden)
    sampled = Sampling()([mean, log_variance])
    decoded = keras.ops.abs(layers.Dense(12, name="decoder")(sampled))
    return keras.Model(x, decoded, name="model")


def data() -> Data:
    random = np.random.default_rng(1)
    x = random.random((192, 12)).astype("float32")
    return Data(x=x[:128], y=x[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="random-predictions",
    description="a variational autoencoder",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=8,
    outputs="values",
)
