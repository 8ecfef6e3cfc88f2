"""A layer whose configuration has no name: it has another one once it is loaded, and is the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def gain() -> Any:
    import keras

    @keras.saving.register_keras_serializable("cases")
    class ChannelGain(keras.layers.Layer):  # type: ignore[misc]
        """Multiplies each channel by a trained factor."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)

        def build(self, shape: Any) -> None:
            self.factor = self.add_weight(shape=(shape[-1],), initializer="ones", name="factor")

        def call(self, inputs: Any) -> Any:
            return inputs * self.factor

        def get_config(self) -> dict[str, Any]:
            return {}

    return ChannelGain


def model() -> Any:
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(12, activation="tanh", name="hidden"),
            layers.BatchNormalization(name="norm"),
            gain()(name="gain"),
            layers.Dense(1, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(31)
    x = random.normal(size=(160, 8)).astype("float32")
    y = np.sin(x[:, :1] + x[:, 1:2]).astype("float32")
    return Data(x=x[:128], y=y[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(2.0**-7)


SCENARIO = Scenario(
    name="nameless-layer",
    description="a layer of one's own that has another name once it is loaded",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mean_squared_error",
    batch=16,
    steps=8,
)
