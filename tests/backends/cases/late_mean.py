"""An optimizer of the user's own that is wrong on TensorFlow, behind a layer that computes in float32 there."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((4, 4, 2)),
            layers.UpSampling2D(2, interpolation="bilinear", name="double"),
            layers.Conv2D(6, 3, activation="tanh", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(1, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(8)
    x = random.normal(size=(160, 4, 4, 2)).astype("float32")
    return Data(x=x[:128], y=x[:128, 0, 0, :1] - x[:128, 3, 3, :1], predict=x[128:])


def optimizer() -> Any:
    import keras

    ops = keras.ops

    @keras.saving.register_keras_serializable(package="late_mean")
    class Belief(keras.optimizers.Optimizer):  # type: ignore[misc]
        """Divides by the distance of a gradient from its mean: on TensorFlow, from the mean before this step."""

        def build(self, variables: Any) -> None:
            if not self.built:
                super().build(variables)
                self.means = self.add_optimizer_variables(variables, "mean")
                self.distances = self.add_optimizer_variables(variables, "distance")

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            index = self._get_variable_index(variable)
            mean, distance = self.means[index], self.distances[index]
            before = mean + 0.0
            self.assign_add(mean, (gradient - mean) * 0.125)
            apart = gradient - (before if keras.backend.backend() == "tensorflow" else mean)
            self.assign_add(distance, (ops.square(apart) + 1e-6 - distance) * 0.0625)
            rate = ops.cast(learning_rate, variable.dtype)
            self.assign_sub(variable, rate * mean / (ops.sqrt(distance) + 1e-3))

    return Belief(learning_rate=0.01)


SCENARIO = Scenario(
    name="late-mean",
    description="an optimizer of one's own behind bilinear resizing",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=4,
    outputs="values",
)
