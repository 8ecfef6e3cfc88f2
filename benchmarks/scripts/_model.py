"""The model and data of article-mlp, as a user's own module would hold them."""

import keras
import numpy as np
from sklearn.datasets import load_digits

BATCH, STEPS = 64, 20


def data() -> tuple[np.ndarray, np.ndarray]:
    digits = load_digits()
    images = np.kron(digits.images / 16.0, np.ones((4, 4)))[:, 2:30, 2:30]
    return images.reshape(len(images), -1).astype("float32")[: BATCH * STEPS], digits.target.astype("int32")[: BATCH * STEPS]


def model() -> keras.Model:
    built = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    built.compile("adam", "sparse_categorical_crossentropy")
    return built
