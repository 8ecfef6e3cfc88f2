"""Two inputs and two outputs with a loss, weights and metrics each: what a single array and a single loss cannot say."""

from __future__ import annotations

from typing import Any

from suite import Data, Scenario


def model() -> Any:
    import keras

    image, halves = keras.Input((8, 8, 1), name="image"), keras.Input((2,), name="halves")
    body = keras.layers.Conv2D(8, 3, activation="relu", name="conv")(image)
    body = keras.layers.BatchNormalization(name="norm")(keras.layers.Flatten(name="flatten")(body))
    body = keras.layers.Concatenate(name="both")([body, halves])
    body = keras.layers.Dense(32, activation="relu", name="hidden")(body)
    digit = keras.layers.Dense(10, activation="softmax", name="digit")(body)
    round_ = keras.layers.Dense(1, activation="sigmoid", name="round")(body)
    return keras.Model({"image": image, "halves": halves}, {"digit": digit, "round": round_}, name="two")


def data() -> Data:
    import numpy as np

    from scenarios._digits import PREDICT_ROWS, TRAIN_ROWS, images

    pixels, labels = images(8)
    halves = np.stack([pixels[:, :4].mean(axis=(1, 2, 3)), pixels[:, 4:].mean(axis=(1, 2, 3))], axis=1)
    holes = np.isin(labels, (0, 6, 8, 9)).astype(np.float32)[:, None]
    weight = np.where(labels == 1, 2.0, 1.0).astype(np.float32)

    def rows(start: int, stop: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        part = slice(start, stop)
        targets = {"digit": labels[part], "round": holes[part]}
        return {"image": pixels[part], "halves": halves[part]}, targets, {"digit": weight[part], "round": weight[part]}

    x, y, weights = rows(0, TRAIN_ROWS)
    return Data(x=x, y=y, sample_weight=weights, evaluate=rows(TRAIN_ROWS, TRAIN_ROWS + PREDICT_ROWS))


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam()


SCENARIO = Scenario(
    name="two-inputs-two-outputs",
    description="Two inputs, two outputs, each with a loss, sample weights and metrics; Adam",
    model=model,
    data=data,
    optimizer=optimizer,
    loss={"digit": "sparse_categorical_crossentropy", "round": "binary_crossentropy"},
    loss_weights={"digit": 1.0, "round": 0.3},
    metrics={"digit": "accuracy"},
    weighted_metrics={"digit": ["accuracy"], "round": ["AUC"]},
)
