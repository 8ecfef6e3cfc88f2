"""A model that also learns from a moving average of itself, which its training step moves after each update."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario

CLASSES = 3


def _model() -> Any:
    import keras

    ops = keras.ops

    @keras.saving.register_keras_serializable(package="cases", name="Taught")
    class Taught(keras.Model):  # type: ignore[misc]
        """Reports the two parts of its loss, and no loss."""

        rate = 0.9

        def pairs(self) -> list[tuple[Any, Any]]:
            student, teacher = (self.get_layer(name).weights for name in ("student", "teacher"))
            return list(zip(student, teacher, strict=True))

        def both(self, x: Any, y: Any) -> tuple[Any, Any]:
            made = self(x, training=True)
            student, teacher = made[:, :CLASSES], ops.stop_gradient(made[:, CLASSES:])
            return ops.mean(ops.square(student - y[:, :CLASSES])), 0.3 * ops.mean(ops.square(student - teacher))

        def train_step(self, *given: Any) -> Any:
            x, y, _ = keras.utils.unpack_x_y_sample_weight(given[-1])
            return getattr(self, f"_{keras.backend.backend()}_step")(x, y, *given[:-1])

        def _torch_step(self, x: Any, y: Any) -> Any:
            import torch

            labels, teacher = self.both(x, y)
            gradients = torch.autograd.grad(labels + teacher, [one.value for one in self.trainable_variables])
            with torch.no_grad():
                self.optimizer.apply(list(gradients), self.trainable_variables)
                for mine, other in self.pairs():
                    other.assign(self.rate * other.value + (1 - self.rate) * mine.value)
            return {"labels": labels.detach(), "teacher": teacher.detach()}

        def _tensorflow_step(self, x: Any, y: Any) -> Any:
            import tensorflow as tf

            with tf.GradientTape() as tape:
                labels, teacher = self.both(x, y)
                share = (labels + teacher) / tf.distribute.get_strategy().num_replicas_in_sync
            gradients = tape.gradient(share, [one.value for one in self.trainable_variables])
            self.optimizer.apply(gradients, self.trainable_variables)
            for mine, other in self.pairs():
                other.assign(self.rate * other + (1 - self.rate) * mine)
            return {"labels": labels, "teacher": teacher}

        def _jax_step(self, x: Any, y: Any, state: Any) -> Any:
            import jax

            trainable, untrained, slots, metrics = state
            variables = [*self.trainable_variables, *self.non_trainable_variables]

            def whole(trainable: Any) -> Any:
                pairs = list(zip(variables, [*trainable, *untrained], strict=True))
                with keras.StatelessScope(state_mapping=pairs) as scope:
                    labels, teacher = self.both(x, y)
                moved = [scope.get_current_value(one) for one in self.non_trainable_variables]
                return labels + teacher, (labels, teacher, moved)

            (_, (labels, teacher, moved)), gradients = jax.value_and_grad(whole, has_aux=True)(trainable)
            trainable, slots = self.optimizer.stateless_apply(slots, gradients, trainable)
            now = {id(one): value for one, value in zip(variables, [*trainable, *moved], strict=True)}
            for mine, other in self.pairs():
                now[id(other)] = self.rate * now[id(other)] + (1 - self.rate) * now[id(mine)]
            moved = [now[id(one)] for one in self.non_trainable_variables]
            return {"labels": labels, "teacher": teacher}, (trainable, moved, slots, metrics)

    return Taught


def _network(name: str) -> Any:
    import keras

    x = inputs = keras.Input((8,))
    x = keras.layers.Dense(12, name=f"{name}_hidden")(x)
    x = keras.layers.BatchNormalization(name=f"{name}_norm")(x)
    x = keras.layers.Activation("tanh", name=f"{name}_tanh")(x)
    return keras.Model(inputs, keras.layers.Dense(CLASSES, name=f"{name}_output")(x), name=name)


def model() -> Any:
    import keras

    inputs, student, teacher = keras.Input((8,)), _network("student"), _network("teacher")
    teacher.trainable = False
    both = keras.layers.Concatenate(name="both")([student(inputs), teacher(inputs)])
    return _model()(inputs, both, name="model")


def data() -> Data:
    random = np.random.default_rng(7)
    x = random.normal(size=(160, 8)).astype("float32")
    y = np.tanh(np.tile(x[:, :CLASSES], 2))  # as wide as the output, which `compile` has no loss for
    return Data(x=x[:128], y=y[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05, momentum=0.9)


SCENARIO = Scenario(
    name="moving-teacher",
    description="a moving average of the weights, moved after each update",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=None,
    batch=32,
    steps=6,
    outputs="values",
)
