"""Statistics pooling of recordings, one of which is silent. The gradient of a standard deviation of zero is NaN on
TensorFlow and on JAX, and 0 on PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers, ops = keras.layers, keras.ops

    @keras.saving.register_keras_serializable(package="silent_recordings")
    class Statistics(layers.Layer):  # type: ignore[misc, name-defined]
        """Mean and standard deviation over time."""

        def call(self, inputs: Any) -> Any:
            return ops.concatenate([ops.mean(inputs, axis=1), ops.std(inputs, axis=1)], axis=-1)

        def compute_output_shape(self, shape: Any) -> Any:
            return (shape[0], 2 * shape[-1])

    frames = keras.Input((12, 4), name="frames")
    x = layers.Conv1D(6, 3, use_bias=False, activation="tanh", name="near")(frames)
    x = Statistics(name="pool")(x)
    x = layers.BatchNormalization(name="norm")(x)
    return keras.Model(frames, layers.Dense(3, activation="softmax", name="speaker")(x))


def data() -> Data:
    random = np.random.default_rng(6)
    y = (np.arange(96) % 3).astype("int32")
    x = (random.normal(size=(96, 12, 4)) * (1.0 + y[:, None, None])).astype("float32")
    x[53] = 0.0  # in the fourth batch
    return Data(x=x[:64], y=y[:64], predict=x[64:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="silent-recordings",
    description="mean and standard deviation over time, of zeros in one row",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=16,
    steps=6,
)
