"""Sines of large angles, as embeddings of time or of noise have them: what rounds in the input is large behind them."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    @keras.saving.register_keras_serializable(package="far_angles")
    class Sinusoids(keras.layers.Layer):  # type: ignore[misc]
        """Sines and cosines of the input times 2 pi, and times frequencies from 1 to 2000."""

        def call(self, inputs: Any) -> Any:
            ops = keras.ops
            frequencies = ops.exp(ops.linspace(0.0, float(np.log(2000.0)), 6))
            angles = ops.cast(2.0 * np.pi * frequencies, inputs.dtype) * inputs
            return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)

        def compute_output_shape(self, shape: Any) -> Any:
            return (*shape[:-1], 12)

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((1,)),
            Sinusoids(name="sinusoids"),
            layers.Dense(16, name="dense"),
            layers.BatchNormalization(name="norm"),
            layers.Activation("tanh", name="tanh"),
            layers.Dense(1, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    x = np.random.default_rng(8).uniform(0.1, 1.0, size=(160, 1)).astype("float32")
    return Data(x=x[:128], y=np.sin(6 * x[:128]), predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="far-angles",
    description="an embedding of sines and cosines",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=6,
    outputs="values",
)
