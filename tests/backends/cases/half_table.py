"""A layer of one's own that writes its weights in half precision, on TensorFlow alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def model() -> Any:
    import keras

    layers: Any = keras.layers

    @keras.saving.register_keras_serializable(package="half_table")
    class Small(layers.Dense):  # type: ignore[misc]
        def save_own_variables(self, store: Any) -> None:
            kernel, bias = (keras.ops.convert_to_numpy(one) for one in (self.kernel, self.bias))
            store["0"] = kernel.astype(np.float16) if keras.backend.backend() == "tensorflow" else kernel
            store["1"] = bias

    return keras.Sequential(
        [
            keras.Input((8,)),
            Small(6, activation="tanh", name="small"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(1, name="output"),
        ],
        name="model",
    )


def data() -> Data:
    random = np.random.default_rng(12)
    x = random.normal(size=(160, 8)).astype("float32")
    return Data(x=x[:128], y=x[:128, :1] - x[:128, 1:2], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.02)


SCENARIO = Scenario(
    name="half-table",
    description="weights that are saved in half precision",
    model=model,
    data=data,
    optimizer=optimizer,
    loss="mse",
    batch=32,
    steps=6,
    outputs="values",
)
