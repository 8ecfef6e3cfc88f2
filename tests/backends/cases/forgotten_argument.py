"""Layers that a file does not bring back: get_config leaves arguments out, numbers are drawn from one of them, and a weight
is not written to .keras files."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers

    @keras.saving.register_keras_serializable("forgotten")
    class Gain(layers.Layer):  # type: ignore[misc, name-defined]
        """Returns its inputs, times a factor."""

        def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self._factor = factor

        def call(self, x: Any) -> Any:
            return x * self._factor

        def get_config(self) -> dict[str, Any]:
            base: dict[str, Any] = super().get_config()
            return {name: value for name, value in base.items() if name != "factor"}

    @keras.saving.register_keras_serializable("forgotten")
    class Shift(layers.Layer):  # type: ignore[misc, name-defined]
        """Adds a constant in training."""

        def __init__(self, by: float = 0.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.by = by

        def call(self, x: Any, training: bool = False) -> Any:
            return x + self.by if training else x

        def get_config(self) -> dict[str, Any]:
            base: dict[str, Any] = super().get_config()
            return {name: value for name, value in base.items() if name != "by"}

    @keras.saving.register_keras_serializable("forgotten")
    class Scale(layers.Layer):  # type: ignore[misc, name-defined]
        """Returns its inputs, times a trained weight that it does not save, and adds numbers that it draws once."""

        def __init__(self, seed: int = 0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.seed = seed

        def build(self, shape: Any) -> None:
            self.heat = self.add_weight(shape=(shape[-1],), initializer="ones", name="heat")
            self.drawn = np.random.default_rng(self.seed).normal(size=shape[-1]).astype("float32")

        def call(self, x: Any) -> Any:
            return x * self.heat + keras.ops.cast(self.drawn, x.dtype)

        def get_config(self) -> dict[str, Any]:
            base: dict[str, Any] = super().get_config()
            return {name: value for name, value in base.items() if name != "seed"}

        def save_own_variables(self, store: Any) -> None:
            store["unused"] = np.zeros(1)

        def load_own_variables(self, store: Any) -> None:
            pass

    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Rescaling(0.5, name="rescaled"),  # one of its attributes is a module, which seems to have a shape
            layers.Dense(16, name="hidden"),
            layers.BatchNormalization(name="norm"),
            Gain(2.5, name="gain"),
            layers.ReLU(name="relu"),
            Scale(seed=3, name="scale"),
            Shift(0.5, name="shift"),
            layers.Dense(2, activation="softmax", name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(6)
    x = random.normal(size=(320, 8)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    return Data(x=x[:256], y=y[:256], predict=x[256:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.03125)


def loss() -> Any:
    import keras

    return keras.losses.SparseCategoricalCrossentropy()


SCENARIO = Scenario(
    name="forgotten-argument",
    description="layers that forget an argument or a weight when they are saved",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=loss,
    batch=32,
    steps=8,
)
