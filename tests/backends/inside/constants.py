"""One float64 step of every kind of layer and loss that has decimal constants, written to the file that is given.

python -m tests.backends.inside.constants FILE
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from suite.artifacts import arrays
from suite.runner import exact_constants, models, precision, random_streams

FEATURES = 4


def layers() -> dict[str, Callable[[], Any]]:
    """Layers for rows of four features, by what they are."""
    import keras

    made, activations = keras.layers, keras.activations

    class Scaled(made.Layer):  # type: ignore[misc, name-defined]
        """Constants of its own, one of them in a dict, and one that Keras casts."""

        def __init__(self) -> None:
            super().__init__()
            self.factor, self.limits = 0.3, {"low": -0.7, "high": 1.1}

        def call(self, x: Any) -> Any:
            clipped = keras.ops.clip(x, self.limits["low"], self.limits["high"])
            return clipped * keras.ops.cast(self.factor, x.dtype) + keras.ops.cast(0.1, x.dtype)

    return {
        "leaky relu": lambda: made.LeakyReLU(0.3),
        "relu": lambda: made.ReLU(max_value=0.7, negative_slope=0.1, threshold=0.05),
        "elu": lambda: made.ELU(0.3),
        "rescaling": lambda: made.Rescaling(1 / 255, offset=0.1),
        "rescaling of each": lambda: made.Rescaling([0.1, 0.2, 0.3, 0.4], offset=[0.1, 0.7, 0.9, 0.3]),
        "normalization": lambda: made.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[0.3, 0.7, 1.1, 0.9]),
        "layer normalization": lambda: made.LayerNormalization(epsilon=0.03),
        "group normalization": lambda: made.GroupNormalization(2, epsilon=0.03),
        "batch normalization": lambda: made.BatchNormalization(momentum=0.9, epsilon=0.03),
        "dropout": lambda: made.Dropout(0.3, seed=1),
        "gaussian noise": lambda: made.GaussianNoise(0.3, seed=1),
        "activation by default": lambda: made.Dense(3, activation="leaky_relu", name="made"),
        "activation with a slope": lambda: made.Lambda(lambda x: activations.leaky_relu(x, 0.3)),
        "constraint": lambda: made.Dense(3, kernel_constraint=keras.constraints.MaxNorm(0.7)),
        "penalty": lambda: made.Dense(3, kernel_regularizer="l2"),
        "a layer of one's own": Scaled,
        "inside another": lambda: keras.Sequential([made.LeakyReLU(0.3), made.Rescaling(0.7)]),
    }  # fmt: skip


def losses() -> dict[str, Callable[[], Any]]:
    import keras

    return {
        "huber": lambda: keras.losses.Huber(delta=0.3),
        "smoothed": lambda: keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
        "by output": lambda: [keras.losses.Huber(delta=0.3)],
    }


def warming() -> Any:
    """A schedule as people write it: it counts in float32, and holds one of Keras's own."""
    import keras

    class Warming(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
        def __init__(self) -> None:
            self.then, self.steps = keras.optimizers.schedules.CosineDecay(0.3, 7), 3.3

        def __call__(self, step: Any) -> Any:
            step = keras.ops.cast(step, "float32") + 1.0
            share = keras.ops.convert_to_tensor(self.steps, dtype="float32")
            return self.then(step) * keras.ops.minimum(1.0, step / share) * keras.ops.rsqrt(step)

    return keras.optimizers.SGD(Warming())


def stepped(layer: Any, loss: Any, optimizer: Any = None) -> dict[str, np.ndarray]:
    """Predictions before a step, and the weights and the loss that it leaves."""
    import keras

    random = np.random.default_rng(3)
    x = random.normal(size=(8, FEATURES))
    model = keras.Sequential(
        [keras.Input((FEATURES,)), keras.layers.Dense(FEATURES, name="in"), layer, keras.layers.Dense(1, name="out")]
    )
    exact_constants.dyadic_layers([model, *models.layers_of(model)])
    optimizer = optimizer or keras.optimizers.SGD(0.3)
    exact_constants.dyadic_optimizer(optimizer)
    exact_constants.double_schedules(optimizer)
    model.compile(optimizer, exact_constants.dyadic_loss(loss), jit_compile=keras.backend.backend() == "jax")
    model.optimizer.build(model.trainable_variables)
    variables = models.variables(model)
    trained = {id(variable) for variable in model.trainable_variables}
    values = {name: random.normal(size=one.shape) if id(one) in trained else one.numpy() for name, one in variables.items()}
    seeds = {name: np.array([1, 0]) for name in variables if name.endswith("seed_generator_state")}
    models.write(variables, values | seeds)
    before = model.predict(x, verbose=0)
    told = model.fit(x, np.abs(np.tanh(x[:, :1])), shuffle=False, verbose=0)
    left = {name: value for name, value in models.read(variables).items() if value.dtype.kind == "f"}
    return {"before": before, "loss": np.array(told.history["loss"]), **{f"after/{name}": one for name, one in left.items()}}


def main(file: str) -> None:
    import keras

    precision.adopt("float64", "float32")
    random_streams.share(lambda: 0)
    exact_constants.dyadic_defaults()
    found = {f"layer {name}": stepped(make(), "mse") for name, make in layers().items()}
    found |= {f"loss {name}": stepped(keras.layers.Activation("tanh"), make()) for name, make in losses().items()}
    found["optimizer nadam"] = stepped(keras.layers.Activation("tanh"), "mse", keras.optimizers.Nadam(0.3))
    found["a schedule of one's own"] = stepped(keras.layers.Activation("tanh"), "mse", warming())
    # Keras numbers layers without a name as a process makes them: here, alike on every backend.
    arrays.write(Path(file), {f"{case}|{name}": value for case, part in found.items() for name, value in part.items()})


if __name__ == "__main__":
    main(sys.argv[1])
