"""A part that learns where to look, which TensorFlow does not train: a transform of images has no gradient there."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario

SIZE = 8


def model() -> Any:
    import keras

    layers, ops = keras.layers, keras.ops

    @keras.saving.register_keras_serializable(package="fixed_gaze")
    class Look(layers.Layer):  # type: ignore[misc, name-defined]
        """Moves images, by pixels that it is given for each."""

        def call(self, images: Any, moves: Any) -> Any:
            ones, zeros = ops.ones_like(moves[:, :1]), ops.zeros_like(moves[:, :1])
            numbers = [ones, zeros, moves[:, :1], zeros, ones, moves[:, 1:], zeros, zeros]
            return ops.image.affine_transform(images, ops.concatenate(numbers, axis=-1), interpolation="bilinear")

        def compute_output_shape(self, images_shape: Any, moves_shape: Any) -> Any:
            return images_shape

    images = keras.Input((SIZE, SIZE, 1), name="images")
    x = layers.Flatten(name="flat")(images)
    x = layers.Dense(8, activation="tanh", name="found")(x)
    moves = layers.Dense(2, bias_initializer=keras.initializers.Constant(0.3), name="moves")(x)
    x = Look(name="look")(images, moves)
    x = layers.Conv2D(4, 3, use_bias=False, name="filters")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Flatten(name="features")(x)
    return keras.Model(images, layers.Dense(3, activation="softmax", name="output")(x))


def data() -> Data:
    random = np.random.default_rng(3)
    x = random.uniform(size=(96, SIZE, SIZE, 1)).astype("float32")
    y = (x[:, 2:5, 2:5].mean((1, 2, 3)) * 9).astype("int32") % 3
    return Data(x=x[:64], y=y[:64], predict=x[64:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


SCENARIO = Scenario(
    name="fixed-gaze",
    description="a spatial transformer before a convolution",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=16,
    steps=6,
)
