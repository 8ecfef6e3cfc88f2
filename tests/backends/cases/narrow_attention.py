"""JAX computes the softmax of an attention in float32, also in a float64 run: a run and its oracle round apart there."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    tokens = keras.Input((9,), dtype="int32", name="tokens")
    x = layers.Embedding(40, 12, name="words")(tokens)
    for block in (1, 2):
        norm = layers.LayerNormalization(epsilon=2.0**-17, name=f"norm_{block}")(x)
        attended = layers.MultiHeadAttention(2, 6, name=f"attention_{block}")(norm, norm, use_causal_mask=True)
        x = layers.Add(name=f"sum_{block}")([x, attended])
        x = layers.Add(name=f"rest_{block}")([x, layers.Dense(12, activation="relu", name=f"dense_{block}")(x)])
    return keras.Model(tokens, layers.Dense(40, name="next")(x), name="model")


def data() -> Data:
    random = np.random.default_rng(33)
    words = random.integers(1, 40, (160, 10)).astype("int32")
    return Data(x=words[:128, :-1], y=words[:128, 1:], predict=words[128:, :-1])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(2.0**-4, momentum=0.75)


def loss() -> Any:
    import keras

    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


SCENARIO = Scenario(
    name="narrow-attention",
    description="two blocks of a causal transformer",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=loss,
    outputs="values",
    batch=16,
    steps=12,
)
