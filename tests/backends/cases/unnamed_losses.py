"""A training step of the model's own that is compiled without a loss and reports two, as that of a GAN."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def _model() -> Any:
    import keras

    ops = keras.ops

    @keras.saving.register_keras_serializable(package="cases", name="Halves")
    class Halves(keras.Model):  # type: ignore[misc]
        """Trains by the sum of two losses, of which it computes the gradients itself."""

        def both(self, x: Any) -> tuple[Any, Any]:
            made = self(x, training=True)
            return ops.mean(ops.square(made[:, :2] - x[:, :2])), ops.mean(ops.abs(made[:, 2:] - x[:, 2:4]))

        def train_step(self, *given: Any) -> Any:
            x = keras.utils.unpack_x_y_sample_weight(given[-1])[0]
            return getattr(self, f"_{keras.backend.backend()}_step")(x, *given[:-1])

        def _torch_step(self, x: Any) -> Any:
            import torch

            first, second = self.both(x)
            gradients = torch.autograd.grad(first + second, [one.value for one in self.trainable_variables])
            with torch.no_grad():
                self.optimizer.apply(list(gradients), self.trainable_variables)
            return {"first": first.detach(), "second": second.detach()}

        def _tensorflow_step(self, x: Any) -> Any:
            import tensorflow as tf

            with tf.GradientTape() as tape:
                first, second = self.both(x)
                whole = first + second
            self.optimizer.apply(
                tape.gradient(whole, [one.value for one in self.trainable_variables]), self.trainable_variables
            )
            return {"first": first, "second": second}

        def _jax_step(self, x: Any, state: Any) -> Any:
            import jax

            trainable, untrained, slots, metrics = state

            def whole(trainable: Any) -> Any:
                variables = [*self.trainable_variables, *self.non_trainable_variables]
                pairs = list(zip(variables, [*trainable, *untrained], strict=True))
                with keras.StatelessScope(state_mapping=pairs) as scope:
                    first, second = self.both(x)
                moved = [scope.get_current_value(one) for one in self.non_trainable_variables]
                return first + second, (first, second, moved)

            (_, (first, second, moved)), gradients = jax.value_and_grad(whole, has_aux=True)(trainable)
            trainable, slots = self.optimizer.stateless_apply(slots, gradients, trainable)
            return {"first": first, "second": second}, (trainable, moved, slots, metrics)

    return Halves


def model() -> Any:
    import keras

    inputs = keras.Input((8,))
    x = keras.layers.Dense(12, activation="tanh", name="hidden")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    return _model()(inputs, keras.layers.Dense(4, name="output")(x), name="model")


def data() -> Data:
    random = np.random.default_rng(7)
    x = random.normal(size=(160, 8)).astype("float32")
    return Data(x=x[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="unnamed-losses",
    description="a training step of its own that reports no loss",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=None,
    batch=32,
    steps=6,
    outputs="values",
)
