"""A cross product in the graph of a functional model, which PyTorch takes along the wrong axis, and a layer with a
cumulative product of weights that begin at zero, of which TensorFlow has no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers, ops = keras.layers, keras.ops

    @keras.saving.register_keras_serializable(package="crossed_arms")
    class Chain(layers.Layer):  # type: ignore[misc, name-defined]
        """Each number by the product of all gates up to its own."""

        def build(self, shape: Any) -> None:
            self.gates = self.add_weight(shape=(shape[-1],), initializer="zeros", name="gates")

        def call(self, inputs: Any) -> Any:
            return inputs * (1.0 + ops.cumprod(self.gates))

    arms = keras.Input((3, 3), name="arms")
    forces = layers.Dense(3, activation="tanh", name="forces")(arms)
    torques = ops.cross(arms, forces)
    x = layers.Flatten(name="flat")(torques)
    x = layers.BatchNormalization(name="norm")(x)
    x = Chain(name="chain")(x)
    return keras.Model(arms, layers.Dense(2, name="rate")(x))


def data() -> Data:
    random = np.random.default_rng(5)
    arms = random.normal(size=(96, 3, 3)).astype("float32")
    rate = arms[:, :2].sum(-1)
    return Data(x=arms[:64], y=rate[:64], predict=arms[64:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.02, momentum=0.9)


SCENARIO = Scenario(
    name="crossed-arms",
    description="ops.cross in a functional model, ops.cumprod in a layer",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=16,
    steps=6,
    outputs="values",
)
