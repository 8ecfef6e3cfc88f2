"""A text model: an embedding, a convolution over words with batch normalization, the largest response of each filter.

The texts are the descriptions that come with scikit-learn's data sets: which one are sixteen words in a row from?
"""

from __future__ import annotations

import re
from typing import Any

from suite import Data, Scenario

WORDS, LENGTH = 200, 16  # the most frequent words, each with a number of its own, and the words of a row
OTHER = 0  # the number of all other words
TRAIN_ROWS, PREDICT_ROWS = 960, 256


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((LENGTH,), dtype="int32"),
            keras.layers.Embedding(WORDS, 16, name="words"),
            keras.layers.Conv1D(32, 3, activation="relu", name="phrases"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.GlobalMaxPooling1D(name="largest"),
            keras.layers.Dense(4, activation="softmax", name="output"),
        ],
        name="text",
    )


def data() -> Data:
    from collections import Counter

    import numpy as np
    from sklearn import datasets

    loaders = (datasets.load_breast_cancer, datasets.load_diabetes, datasets.load_iris, datasets.load_wine)
    texts = [re.findall(r"[a-z]+", load().DESCR.lower()) for load in loaders]
    frequent = Counter(word for text in texts for word in text).most_common(WORDS - 1)
    number = {word: place for place, (word, _) in enumerate(sorted(frequent), start=OTHER + 1)}
    rows = [
        ([number.get(word, OTHER) for word in text[first : first + LENGTH]], label)
        for label, text in enumerate(texts)
        for first in range(len(text) - LENGTH)
    ]
    chosen = np.random.default_rng(3).permutation(len(rows))[: TRAIN_ROWS + PREDICT_ROWS]
    x = np.array([rows[place][0] for place in chosen], np.int32)
    y = np.array([rows[place][1] for place in chosen], np.int32)
    return Data(x=x[:TRAIN_ROWS], y=y[:TRAIN_ROWS], predict=x[TRAIN_ROWS:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


SCENARIO = Scenario(
    name="text-classifier",
    description="an embedding and a convolution over words; words repeat in a batch, which optimizers must add up",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
