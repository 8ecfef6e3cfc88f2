"""Recipes as people have them, one scenario each: made by `scenario(kind)`, for files that hold one SCENARIO."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from suite.records import Data, Scenario

ROWS = 90
Made = dict[str, Any]  # what a kind has beside the model, and other than others
X = np.random.default_rng(5).normal(size=(ROWS, 6)).astype(np.float32)
LABELS = (X[:, 0] + X[:, 1] > 0.5).astype(np.int32)
HALF = np.where(LABELS == 1, 0.5, 1.0).astype(np.float32)


def model(momentum: float = 0.99, **norm: Any) -> Any:
    import keras

    inputs = keras.Input((6,), name="features")
    hidden = keras.layers.Dense(8, name="hidden")(inputs)
    hidden = keras.layers.Activation("tanh", name="tanh")(
        keras.layers.BatchNormalization(momentum=momentum, name="norm", **norm)(hidden)
    )
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="output")(hidden), name="one")


def two_outputs() -> Any:
    import keras

    inputs = keras.Input((6,), name="features")
    hidden = keras.layers.Dense(8, activation="tanh", name="hidden")(inputs)
    hidden = keras.layers.BatchNormalization(name="norm")(hidden)
    made = {name: keras.layers.Dense(1, activation="sigmoid", name=name)(hidden) for name in ("first", "second")}
    return keras.Model(inputs, made, name="two")


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.125, momentum=0.5)


def callbacks() -> list[Any]:
    import keras

    class Halved(keras.callbacks.Callback):  # type: ignore[misc]
        """A callback of the user's own, which changes the rate in the middle of an epoch."""

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == 2:
                self.model.optimizer.learning_rate = self.model.optimizer.learning_rate * 0.5

    return [
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=0, min_delta=1.0),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.25 if epoch == 0 else rate),
        keras.callbacks.ModelCheckpoint("best.keras", monitor="loss"),
        Halved(),
    ]


def epochs_with_callbacks() -> Made:
    """It stops after the second epoch: the loss over the rows to validate on never falls by 1."""
    return {
        "epochs": 4, "shuffle": True, "validation_split": 0.3, "class_weight": {0: 1.0, 1: 3.0}, "callbacks": callbacks,
        "metrics": ["accuracy"],
    }  # fmt: skip


def plain_epochs() -> Made:
    """What `fit` does by itself, in order: held against it."""
    return {"epochs": 2, "validation_split": 0.3, "class_weight": {0: 1.0, 1: 3.0}, "metrics": ["accuracy"]}


def uneven_epochs() -> Made:
    """The last batch of each epoch has 5 rows, and statistics are synchronized, as on TensorFlow only."""
    return {
        "epochs": 2, "synchronized": True, "model": lambda: model(synchronized=True),
        "data": lambda: Data(x=X[:37], y=LABELS[:37, None]),
    }  # fmt: skip


def weighted_outputs() -> Made:
    targets = {"first": LABELS[:, None], "second": 1 - LABELS[:, None]}
    return {
        "model": two_outputs,
        "data": lambda: Data(x=X[:64], y={name: one[:64] for name, one in targets.items()},
                             sample_weight={"first": HALF[:64], "second": HALF[:64]},
                             evaluate=in_batches(X[48:], {name: one[48:] for name, one in targets.items()})),
        "loss": {"first": "binary_crossentropy", "second": squared},
        "loss_weights": {"first": 1.0, "second": 0.3},
        "metrics": {"first": "accuracy"},
        "weighted_metrics": {"first": ["accuracy"], "second": ["mae"]},
        "steps": 5,
    }  # fmt: skip


def in_batches(x: Any, y: Any) -> Any:
    """As one backend alone has them."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((x, y)).batch(5)


def squared(targets: Any, predicted: Any) -> Any:
    import keras

    return keras.ops.mean(keras.ops.square(keras.ops.cast(targets, predicted.dtype) - predicted), axis=-1)


def few_steps() -> Made:
    """Two of them at once; moving statistics lag behind by 82 % of what they began with."""
    return {"steps": 20, "steps_per_execution": 2, "data": far, "metrics": ["accuracy"]}


def few_steps_cured() -> Made:
    return {**few_steps(), "model": lambda: model(momentum=0.79)}


def far() -> Data:
    return Data(x=X * 5 + 3, y=LABELS[:, None])


KINDS: tuple[Callable[[], Made], ...] = (epochs_with_callbacks, plain_epochs, weighted_outputs)


def scenario(kind: str) -> Scenario:
    made = globals()[kind]()
    given = {
        "model": model, "data": lambda: Data(x=X, y=LABELS[:, None]), "optimizer": optimizer,
        "loss": "binary_crossentropy", "batch": 16, **made,
    }  # fmt: skip
    return Scenario(name=kind.replace("_", "-"), description=kind, **given)
