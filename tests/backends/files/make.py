"""Writes the model files that test_check.py checks into the folder of its argument. Runs in one backend's environment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tests.backends.files import train


def convolutional() -> Any:
    """A usual classifier, with moving statistics that are not those of the beginning."""
    random = np.random.default_rng(0)
    layers = keras.layers
    norm = layers.BatchNormalization(name="norm")
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3), name="image"),
            layers.Conv2D(4, 3, name="conv"),
            norm,
            layers.LeakyReLU(0.3),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(5, activation="softmax"),
        ]
    )
    norm.moving_mean.assign(random.normal(size=4))
    norm.moving_variance.assign(random.uniform(0.5, 2.0, 4))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def pooled() -> Any:
    """Averages over padding: torch is off there (K-22)."""
    layers = keras.layers
    convolution = layers.Conv2D(4, 3, padding="same", name="conv")
    pool = layers.AveragePooling2D(3, strides=2, padding="same", name="pool")
    return keras.Sequential([keras.Input((6, 6, 3)), convolution, pool, layers.Flatten(), layers.Dense(3)])


def resized() -> Any:
    """Bilinear resizing, which TensorFlow computes in float32 always; any size of image; indices beside it."""
    layers = keras.layers
    image, words = keras.Input((None, None, 3), name="image"), keras.Input((5,), name="words")
    seen = layers.Flatten()(layers.Resizing(5, 5)(layers.Rescaling(1 / 255)(image)))
    read = layers.GlobalAveragePooling1D()(layers.Embedding(7, 3)(words))
    return keras.Model({"image": image, "words": words}, layers.Dense(2)(layers.Concatenate()([seen, read])))


def main(folder: Path) -> None:
    whole = convolutional()
    whole.save(folder / "cnn.keras")
    whole.save(folder / "cnn.h5")
    pooled().save(folder / "pool.keras")
    resized().save(folder / "resize.keras")
    train.with_own_layer().save(folder / "own.keras")
    train.build_model().save_weights(folder / "net.weights.h5")
    (folder / "cut.keras").write_bytes((folder / "cnn.keras").read_bytes()[:3000])
    (folder / "text.keras").write_text("hello, I am text")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
