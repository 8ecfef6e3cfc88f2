"""A gate whose sharpness a callback raises after each epoch, as a number of the layer. Compiled steps on TensorFlow and JAX
keep the number that they were compiled with; torch compiles nothing. A file of weights alone does not hold it."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    @keras.saving.register_keras_serializable("annealed_width")
    class Gate(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self, sharpness: float = 1.0, **arguments: Any) -> None:
            super().__init__(**arguments)
            self.sharpness = sharpness

        def call(self, inputs: Any) -> Any:
            return inputs * keras.ops.sigmoid(self.sharpness * inputs)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "sharpness": self.sharpness}

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12,)),
            layers.Dense(16, name="hidden"),
            Gate(name="gate"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(3, name="output"),
        ],
        name="model",
    )


def callbacks() -> list[Any]:
    import keras

    class Sharpen(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.get_layer("gate").sharpness *= 2.0

    return [Sharpen()]


def data() -> Data:
    random = np.random.default_rng(11)
    x = random.normal(size=(64, 12)).astype("float32")
    return Data(x=x, y=np.tanh(x[:, :3]), predict=x)


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(1e-2)


SCENARIO = Scenario(
    name="annealed-width",
    description="a callback sharpens a gate after each epoch, as a number of the layer",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mean_squared_error",
    batch=16,
    epochs=3,
    callbacks=callbacks,
    outputs="values",
)
