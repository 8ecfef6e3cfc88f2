"""A small text model: characters to embeddings to an LSTM. Which of five texts is a window from?"""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario

WINDOW, CHARACTERS = 24, 128
TRAINED, PREDICTED = 1280, 256


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((WINDOW,), dtype="int32"),
            keras.layers.Embedding(CHARACTERS, 16, name="embedding"),
            keras.layers.LSTM(24, name="lstm"),
            keras.layers.Dense(5, activation="softmax", name="output"),
        ],
        name="text",
    )


def data() -> Data:
    """Windows of the descriptions of scikit-learn's bundled data sets."""
    import numpy as np
    from sklearn import datasets

    loaders = (
        datasets.load_digits,
        datasets.load_iris,
        datasets.load_wine,
        datasets.load_breast_cancer,
        datasets.load_diabetes,
    )
    texts = [loader().DESCR.encode("ascii", "replace") for loader in loaders]
    random = np.random.default_rng(0)
    labels = random.integers(0, len(texts), TRAINED + PREDICTED).astype(np.int32)
    starts = [int(random.integers(0, len(texts[label]) - WINDOW)) for label in labels]
    windows = [list(texts[label][start : start + WINDOW]) for label, start in zip(labels, starts, strict=True)]
    x = np.array(windows, np.int32)
    return Data(x=x[:TRAINED], y=labels[:TRAINED], predict=x[TRAINED:], evaluate=(x[TRAINED:], labels[TRAINED:]))


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


SCENARIO = Scenario(
    name="small-text",
    description="Characters, an embedding and an LSTM: which of five texts a window is from; Adam",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
