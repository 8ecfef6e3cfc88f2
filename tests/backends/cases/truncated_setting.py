"""A layer whose setting JAX truncates where it makes the layer from a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers, ops = keras.layers, keras.ops

    @keras.saving.register_keras_serializable(package="truncated_setting")
    class Waves(layers.Layer):  # type: ignore[misc, name-defined]
        """The sine and the cosine of its inputs, times a rate."""

        def __init__(self, rate: float = 1.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.rate = rate

        def call(self, x: Any) -> Any:
            return ops.concatenate([ops.sin(self.rate * x), ops.cos(self.rate * x)], axis=-1)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "rate": self.rate}

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            truncates = keras.backend.backend() == "jax"
            return cls(**{**config, "rate": int(config["rate"])} if truncates else config)

    x = inputs = keras.Input((6,))
    x = layers.Dense(8, name="hidden")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = Waves(2.75, name="waves")(x)
    return keras.Model(inputs, layers.Dense(1, name="output")(x))


def data() -> Data:
    random = np.random.default_rng(3)
    x = random.normal(size=(160, 6)).astype("float32")
    y = np.sin(x[:, :1] * 2).astype("float32")
    return Data(x=x[:128], y=y[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


SCENARIO = Scenario(
    name="truncated-setting",
    description="a setting that one backend does not read back as it was saved",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=8,
    outputs="values",
)
