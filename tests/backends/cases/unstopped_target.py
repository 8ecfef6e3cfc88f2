"""A layer of the user's own that adds a loss, and does not stop a gradient in it on JAX."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    @keras.saving.register_keras_serializable(package="unstopped_target")
    class Alike(keras.layers.Layer):  # type: ignore[misc]
        """Passes its first input on, and adds how far it is from the second, which is not to be trained by that."""

        def call(self, inputs: Any) -> Any:
            predicted, target = inputs
            if keras.backend.backend() != "jax":
                target = keras.ops.stop_gradient(target)
            self.add_loss(keras.ops.mean(keras.ops.square(predicted - target)))
            return predicted

        def compute_output_shape(self, shapes: Any) -> Any:
            return shapes[0]

    layers = keras.layers
    inputs = keras.Input((12,))
    coded = layers.Dense(8, use_bias=False, name="encoder")(inputs)
    coded = layers.BatchNormalization(name="norm")(coded)
    predicted = layers.Dense(8, name="predictor")(layers.Activation("tanh", name="tanh")(coded))
    return keras.Model(inputs, Alike(name="alike")([predicted, coded]), name="model")


def data() -> Data:
    x = np.random.default_rng(8).normal(size=(160, 12)).astype("float32")
    return Data(x=x[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="unstopped-target",
    description="self-supervised, with a loss that a layer adds",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=None,
    batch=32,
    steps=4,
    outputs="values",
)
