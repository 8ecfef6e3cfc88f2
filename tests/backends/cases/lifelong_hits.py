"""A metric of the user's own that nobody resets: it counts on, from one epoch and one evaluation to the next."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers = keras.layers
    x = inputs = keras.Input((6,))
    x = layers.Dense(12, name="hidden")(x)
    x = layers.BatchNormalization(momentum=0.8, name="norm")(x)
    x = layers.Activation("tanh", name="tanh")(x)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="output")(x))


def data() -> Data:
    random = np.random.default_rng(3)
    x = random.normal(size=(96, 6)).astype("float32")
    y = (x[:, :1] + 0.5 * random.normal(size=(96, 1)) > 0.4).astype("float32")
    return Data(x=x[:64], y=y[:64], validation=(x[64:80], y[64:80]), predict=x[80:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


def metrics() -> list[Any]:
    import keras

    @keras.saving.register_keras_serializable(package="lifelong_hits")
    class Hits(keras.metrics.Metric):  # type: ignore[misc]
        def __init__(self, name: str = "lifelong", **options: Any) -> None:
            super().__init__(name=name, **options)
            self.hits = self.add_variable(shape=(), initializer="zeros", name="hits")
            self.rows = self.add_variable(shape=(), initializer="zeros", name="rows")

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            ops = keras.ops
            right = ops.equal(ops.cast(y_pred > 0.5, "float32"), ops.cast(y_true, "float32"))
            self.hits.assign_add(ops.sum(ops.cast(right, self.hits.dtype)))
            self.rows.assign_add(ops.cast(ops.size(y_true), self.rows.dtype))

        def result(self) -> Any:
            return self.hits / self.rows

        def reset_state(self) -> None:
            pass

    return [Hits(), "accuracy"]


SCENARIO = Scenario(
    name="lifelong-hits",
    description="a metric that is never reset",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="binary_crossentropy",
    metrics=metrics,
    batch=16,
    epochs=2,
)
