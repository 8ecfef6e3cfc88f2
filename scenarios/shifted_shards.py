"""Each half of every batch has another mean: what per-replica statistics can do at their worst."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario

BATCH = 64


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(32, name="hidden"),
            keras.layers.BatchNormalization(momentum=0.9, name="norm"),
            keras.layers.ReLU(name="relu"),
            keras.layers.Dense(10, activation="softmax", name="output"),
        ],
        name="mlp",
    )


def data() -> Data:
    import numpy as np

    from scenarios._digits import images, split

    x, y = images(8)
    rows, labels, predict = split(x.reshape(len(x), -1), y)
    return Data(x=rows + _shift(np.arange(len(rows))), y=labels, predict=predict + _shift(np.arange(len(predict))))


def _shift(index: Any) -> Any:
    """0 for the first half of every batch of 64 rows, 2 for the second, as a column (rows, 1), float32."""
    import numpy as np

    return (2.0 * (index % BATCH >= BATCH // 2)).astype(np.float32)[:, None]


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


SCENARIO = Scenario(
    name="shifted-shards",
    description="each half of every batch has another mean: per-replica statistics at their worst",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="sparse_categorical_crossentropy",
    batch=BATCH,
)
