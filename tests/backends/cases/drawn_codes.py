"""A variational autoencoder whose training step is its own on every backend, as in Keras's examples: it calls its parts,
draws codes, and scales its loss under tf.distribute by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def _model() -> Any:
    import keras

    ops, layers = keras.ops, keras.layers

    @keras.saving.register_keras_serializable(package="cases", name="Autoencoder")
    class Autoencoder(keras.Model):  # type: ignore[misc]
        def __init__(self, codes: int = 3, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.codes = codes
            self.seeds = keras.random.SeedGenerator(11)
            self.hidden = layers.Dense(8, use_bias=False, name="hidden")
            self.norm = layers.BatchNormalization(momentum=0.5, name="norm")
            self.mean = layers.Dense(codes, name="mean")
            self.log_variance = layers.Dense(codes, name="log_variance")
            self.decoder = layers.Dense(6, name="decoder")
            self.tracker = keras.metrics.Mean(name="loss")

        @property
        def metrics(self) -> list[Any]:
            return [self.tracker]

        def build(self, shape: Any) -> None:
            self.hidden.build(shape)
            self.norm.build((None, 8))
            self.mean.build((None, 8))
            self.log_variance.build((None, 8))
            self.decoder.build((None, self.codes))

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "codes": self.codes}

        def encoded(self, x: Any, training: bool) -> tuple[Any, Any]:
            hidden = ops.tanh(self.norm(self.hidden(x), training=training))
            return self.mean(hidden), self.log_variance(hidden)

        def call(self, x: Any, training: bool = False) -> Any:
            return self.decoder(self.encoded(x, training)[0])

        def objective(self, x: Any) -> Any:
            mean, log_variance = self.encoded(x, training=True)
            drawn = keras.random.normal(ops.shape(mean), seed=self.seeds)
            made = self.decoder(mean + ops.exp(0.5 * log_variance) * drawn)
            divergence = -0.5 * ops.sum(1.0 + log_variance - ops.square(mean) - ops.exp(log_variance), axis=-1)
            return ops.mean(ops.sum(ops.square(made - x), axis=-1) + 0.1 * divergence)

        def train_step(self, *given: Any) -> Any:
            x = keras.utils.unpack_x_y_sample_weight(given[-1])[0]
            return getattr(self, f"_{keras.backend.backend()}_step")(x, *given[:-1])

        def _torch_step(self, x: Any) -> Any:
            import torch

            self.zero_grad()
            loss = self.objective(x)
            loss.backward()
            trained = list(self.trainable_weights)
            with torch.no_grad():
                self.optimizer.apply([variable.value.grad for variable in trained], trained)
            self.tracker.update_state(loss)
            return {"loss": self.tracker.result()}

        def _tensorflow_step(self, x: Any) -> Any:
            import tensorflow as tf

            with tf.GradientTape() as tape:
                loss = self.objective(x)
                scaled = loss / tf.distribute.get_strategy().num_replicas_in_sync
            gradients = tape.gradient(scaled, self.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
            self.tracker.update_state(loss)
            return {"loss": self.tracker.result()}

        def _jax_step(self, x: Any, state: Any) -> Any:
            import jax

            trained, rest, slots, counts = state

            def objective(trained: Any) -> Any:
                variables = [*self.trainable_variables, *self.non_trainable_variables]
                pairs = list(zip(variables, [*trained, *rest], strict=True))
                with keras.StatelessScope(state_mapping=pairs) as scope:
                    loss = self.objective(x)
                return loss, [scope.get_current_value(one) for one in self.non_trainable_variables]

            (loss, moved), gradients = jax.value_and_grad(objective, has_aux=True)(trained)
            trained, slots = self.optimizer.stateless_apply(slots, gradients, trained)
            counts = self.tracker.stateless_update_state(counts, loss)
            return {"loss": self.tracker.stateless_result(counts)}, (trained, moved, slots, counts)

    return Autoencoder


def model() -> Any:
    made = _model()(name="model")
    made.build((None, 6))
    return made


def data() -> Data:
    random = np.random.default_rng(8)
    x = random.normal(size=(160, 6)).astype("float32")
    return Data(x=x[:128], predict=x[128:])


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.02, momentum=0.5)


SCENARIO = Scenario(
    name="drawn-codes",
    description="a variational autoencoder with a training step of its own",
    model=model,
    data=data,
    optimizer=optimizer,
    loss=None,
    batch=32,
    steps=6,
    outputs="values",
)
