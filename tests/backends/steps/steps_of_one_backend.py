"""Run in an environment: one call each of a few layers, losses and optimizers, written to a file of arrays.

python steps_of_one_backend.py FILE.npz
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from suite.runner import precision
from suite.runner.layer_steps import LayerStep, drawn, layer_step
from suite.runner.loss_steps import loss_step
from suite.runner.optimizer_steps import Gradient, Rows, optimizer_steps
from suite.runner.single_step.taps import Taps

random = np.random.default_rng(0)
arrays: dict[str, np.ndarray] = {}

precision.adopt("float32", "mixed_bfloat16")
mixed = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="ones", name="half")])
mixed.compile(keras.optimizers.SGD(0.0), "mse")
taps = Taps(mixed, np.ones((1, 3), "float32"), 4)
with taps.fitting():
    mixed.fit(np.ones((4, 3), "float32"), np.zeros((4, 2), "float32"), batch_size=4, verbose=0)
arrays["tapped/half"] = taps.variables["half"].numpy()

precision.adopt("float64", "float64")


def step(name: str, layer: Any, *inputs: Any, **chosen: Any) -> LayerStep:
    layer(*inputs)
    done = layer_step(layer, inputs, cotangents=drawn(1), **chosen)
    kinds: dict[str, Mapping[Any, np.ndarray]] = {
        "input": dict(enumerate(done.inputs)),
        "weight": done.weights,
        "output": dict(enumerate(done.outputs)),
    }
    kinds |= {"state": done.state, "gradient": done.gradients, "cotangent": dict(enumerate(done.cotangents))}
    arrays.update({f"{name}/{kind}/{key}": value for kind, values in kinds.items() for key, value in values.items()})
    arrays[f"{name}/reason"] = np.array(done.reason)
    arrays[f"{name}/config"] = np.array(done.config)
    return done


x = random.normal(size=(4, 3, 5))
mask = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [1, 1, 0]], bool)
step("dense", keras.layers.Dense(2), x)
norm = keras.layers.BatchNormalization(momentum=0.75)
step("norm", norm, x, masks=(mask,), training=True)
arrays["norm/kept"] = keras.ops.convert_to_numpy(norm.moving_mean)
recurrent = keras.layers.SimpleRNN(2, activation=None)
step("recurrent", recurrent, x, masks=(mask,))
step("started", recurrent, x, arguments={"initial_state": np.ones((4, 2))})
query = random.normal(size=(4, 2, 5))
attention = {"masks": (None, mask), "arguments": {"return_attention_scores": True}}
step("attention", keras.layers.Attention(), [query, x], **attention)
step("multi-head", keras.layers.MultiHeadAttention(2, 3), query, x, **attention)
step("embedding", keras.layers.Embedding(3, 2), np.array([[1, 1, 2]]))
step("dropout", keras.layers.Dropout(0.5), x, training=True)
step("argument", keras.layers.Add(), [x, 2 * x])


@keras.saving.register_keras_serializable()
class Penalized(keras.layers.Layer):  # type: ignore[misc]
    """It adds a loss that depends on its input, and one through a layer inside."""

    def build(self, shape: Any) -> None:
        self.inside = keras.layers.Dense(1, name="inside", activity_regularizer=keras.regularizers.L2(0.5))
        self.inside.build(shape)

    def call(self, inputs: Any) -> Any:
        self.add_loss(keras.ops.sum(keras.ops.square(inputs)))
        return self.inside(inputs)


step("penalized", Penalized(), x)
step("regularized", keras.layers.Dense(1, activity_regularizer=keras.regularizers.L2(0.5)), x)


@keras.saving.register_keras_serializable()
class Refuses(keras.layers.Layer):  # type: ignore[misc]
    """It can be called, and has no gradient."""

    def call(self, inputs: Any) -> Any:
        return _refusing(inputs)


def _refusing(inputs: Any) -> Any:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def function(value: Any) -> Any:
            def gradient(_: Any) -> Any:
                raise NotImplementedError("no gradient here")

            return value * 2, gradient

        return function(inputs)
    if backend == "jax":
        import jax

        function = jax.custom_vjp(lambda value: value * 2)

        def backward(_: Any, cotangent: Any) -> Any:
            raise NotImplementedError("no gradient here")

        function.defvjp(lambda value: (value * 2, None), backward)
        return function(inputs)
    import torch

    class Function(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(context: Any, value: Any) -> Any:
            return value * 2

        @staticmethod
        def backward(context: Any, cotangent: Any) -> Any:
            raise NotImplementedError("no gradient here")

    return Function.apply(inputs)


step("refuses", Refuses(), x)

y_true, y_pred = random.normal(size=(4, 3, 2)), random.normal(size=(4, 3, 2))
weight = random.uniform(size=(4, 3))
loss = loss_step(keras.losses.MeanSquaredError(), y_true, y_pred, cotangents=drawn(1), sample_weight=weight, mask=mask)
arrays |= {"loss/y_true": y_true, "loss/y_pred": y_pred, "loss/weight": weight, "loss/mask": mask}
assert loss.gradient is not None and loss.cotangent is not None
arrays |= {"loss/value": loss.value, "loss/gradient": loss.gradient, "loss/cotangent": loss.cotangent}

table, rate = random.normal(size=(4, 2)), keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
rows = Rows(indices=np.array([1, 1]), values=np.ones((2, 2)), dense=np.array([[0, 0], [2, 2], [0, 0], [0, 0]], float))
given: Sequence[Mapping[str, Gradient]] = [
    {"table": rows, "bias": np.array([1.0])},
    {"table": np.ones((4, 2)), "bias": np.array([2.0])},
]
for place, one in enumerate(
    optimizer_steps(keras.optimizers.SGD(rate, momentum=0.5), {"table": table, "bias": np.zeros(1)}, given)
):
    arrays |= {f"update-{place}/{name}": value for name, value in one.updated_variables.items()}
    arrays |= {f"update-{place}/{name}": value for name, value in one.updated_slots.items()}
    arrays[f"update-{place}/rate"] = np.array(one.learning_rate)

np.savez(sys.argv[1], **arrays)  # type: ignore[arg-type]
