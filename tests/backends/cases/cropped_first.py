"""A subclassed model that crops its images, and leaves `training` to Keras: on TensorFlow and torch, its normalization
trains also where it predicts, and on JAX not even where it trains."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    @keras.saving.register_keras_serializable(package="cropped_first")
    class Cropped(keras.Model):  # type: ignore[misc]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.crop = keras.layers.CenterCrop(4, 4, name="crop")
            self.flat = keras.layers.Flatten(name="flat")
            self.hidden = keras.layers.Dense(8, use_bias=False, name="hidden")
            self.norm = keras.layers.BatchNormalization(momentum=0.8, name="norm")
            self.out = keras.layers.Dense(1, name="out")

        def build(self, shape: Any) -> None:
            self.hidden.build((None, 16))
            self.norm.build((None, 8))
            self.out.build((None, 8))
            self.built = True

        def call(self, x: Any) -> Any:
            return self.out(self.norm(self.hidden(self.flat(self.crop(x)))))

    made = Cropped()
    made.build((None, 6, 6, 1))
    return made


def rows(n: int = 256) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(7).normal(size=(n, 6, 6, 1)).astype("float32")
    return x, (np.sin(x[:, 2, 2]) + 0.5 * x[:, 3, 3]).astype("float32")


def data() -> Data:
    x, y = rows()
    return Data(x=x, y=y)


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


SCENARIO = Scenario(
    name="cropped-first",
    description="a subclassed model that crops its images and leaves training to Keras",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    outputs="values",
)
