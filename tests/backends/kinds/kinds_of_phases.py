"""Trainings in phases, and by steps of their own: made by `scenario(kind)`, for files that hold one SCENARIO."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite.records import Data, Phase, Scenario

X = np.random.default_rng(5).normal(size=(80, 6)).astype(np.float32)
Y = (X[:, :1] + X[:, 1:2] > 0.5).astype(np.int32)
Made = dict[str, Any]


def model() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, use_bias=False, name="hidden"),
            keras.layers.BatchNormalization(momentum=0.9, name="norm"),
            keras.layers.Activation("tanh", name="tanh"),
            keras.layers.Dense(1, activation="sigmoid", name="output"),
        ]
    )


def optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.125, momentum=0.5)


def adam() -> Any:
    import keras

    return keras.optimizers.Adam(2.0**-8)


def stopping() -> list[Any]:
    """The loss over the rows to validate on never falls by 1."""
    import keras

    return [keras.callbacks.EarlyStopping(monitor="val_loss", patience=0, min_delta=1.0)]


def freeze(model: Any) -> None:
    for name in ("hidden", "norm"):
        model.get_layer(name).trainable = False


def unfreeze(model: Any) -> None:
    for name in ("hidden", "norm"):
        model.get_layer(name).trainable = True


def compiled_again() -> Made:
    """The second phase stops after two of its three epochs."""
    return {
        "validation_split": 0.2,
        "shuffle": True,
        "phases": (
            Phase(epochs=1),
            Phase(prepare=freeze, epochs=3, callbacks=stopping),
            Phase(prepare=unfreeze, optimizer=adam, epochs=1),
        ),
    }


def not_compiled_again() -> Made:
    return {"phases": (Phase(steps=2), Phase(prepare=freeze, compile=False, steps=2))}


def two_optimizers() -> Made:
    """A part of the model for each; one is made by compile, the other with the model."""

    def parts() -> Any:
        import keras

        class Parts(keras.Model):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__(name="parts")
                self.first = keras.layers.Dense(4, activation="tanh", name="first")
                self.second = keras.layers.Dense(1, name="second")
                self.slow = keras.optimizers.SGD(0.125, momentum=0.5)

            def compile(self, *args: Any, **kwargs: Any) -> None:
                super().compile(*args, **kwargs)
                self.fast = keras.optimizers.Adam(0.01)

            def call(self, x: Any) -> Any:
                return self.second(self.first(x))

            def objective(self, x: Any, y: Any) -> Any:
                return keras.ops.mean(keras.ops.square(self(x) - keras.ops.cast(y, self.compute_dtype)))

            def train_step(self, data: Any) -> Any:
                steps = {"tensorflow": self.of_tensorflow, "torch": self.of_torch}
                return steps[keras.backend.backend()](*data)

            def of_tensorflow(self, x: Any, y: Any) -> Any:
                import tensorflow as tf

                with tf.GradientTape() as tape:
                    loss = self.objective(x, y)
                gradients = tape.gradient(loss, self.trainable_variables)
                self.slow.apply(gradients[:2], self.trainable_variables[:2])
                self.fast.apply(gradients[2:], self.trainable_variables[2:])
                return {"loss": loss}

            def of_torch(self, x: Any, y: Any) -> Any:
                import torch

                self.zero_grad()
                loss = self.objective(x, y)
                loss.backward()
                gradients = [variable.value.grad for variable in self.trainable_variables]
                with torch.no_grad():
                    self.slow.apply(gradients[:2], self.trainable_variables[:2])
                    self.fast.apply(gradients[2:], self.trainable_variables[2:])
                return {"loss": loss}

        return Parts()

    return {"model": parts, "loss": None, "steps": 5}


def adversaries() -> Made:
    """A generator with batch normalization and its critic, which is trained twice in each step, and clipped."""

    def pair() -> Any:
        import keras

        ops = keras.ops

        class Adversaries(keras.Model):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__(name="adversaries")
                self.generator = keras.Sequential(
                    [
                        keras.layers.Dense(8, name="drawn"),
                        keras.layers.BatchNormalization(momentum=0.9, name="norm"),
                        keras.layers.Activation("tanh", name="tanh"),
                        keras.layers.Dense(6, name="made"),
                    ],
                    name="generator",
                )
                self.critic = keras.Sequential(
                    [keras.layers.Dense(8, activation="tanh", name="looked"), keras.layers.Dense(1, name="said")],
                    name="critic",
                )

            def compile(self, *args: Any, **kwargs: Any) -> None:
                super().compile(*args, **kwargs)
                self.of_critic = keras.optimizers.RMSprop(0.01)
                self.of_critic.build(self.critic.trainable_variables)

            def call(self, x: Any, training: bool = False) -> Any:
                return self.critic(self.generator(x, training=training))

            def critical(self, x: Any) -> Any:
                made, real = self.generator(x, training=True), ops.tanh(ops.flip(x, axis=-1))
                return ops.mean(self.critic(made)) - ops.mean(self.critic(real))

            def generous(self, x: Any) -> Any:
                return -ops.mean(self.critic(self.generator(x, training=True)))

            def train_step(self, data: Any) -> Any:
                for _ in range(2):
                    critical = self.trained(self.critical, data[0], self.of_critic, self.critic.trainable_variables)
                    for variable in self.critic.trainable_variables:
                        variable.assign(ops.clip(variable.value, -0.5, 0.5))
                generous = self.trained(self.generous, data[0], self.optimizer, self.generator.trainable_variables)
                return {"critic": critical, "generator": generous}

            def trained(self, objective: Any, x: Any, optimizer: Any, variables: list[Any]) -> Any:
                steps = {"tensorflow": self.of_tensorflow, "torch": self.of_torch}
                return steps[keras.backend.backend()](objective, x, optimizer, variables)

            def of_tensorflow(self, objective: Any, x: Any, optimizer: Any, variables: list[Any]) -> Any:
                import tensorflow as tf

                with tf.GradientTape() as tape:
                    loss = objective(x)
                    share = loss / tf.distribute.get_strategy().num_replicas_in_sync
                optimizer.apply(tape.gradient(share, [one.value for one in variables]), variables)
                return loss

            def of_torch(self, objective: Any, x: Any, optimizer: Any, variables: list[Any]) -> Any:
                import torch

                loss = objective(x)
                gradients = torch.autograd.grad(loss, [one.value for one in variables])
                with torch.no_grad():
                    optimizer.apply(list(gradients), variables)
                return loss.detach()

        return Adversaries()

    return {"model": pair, "loss": None, "steps": 5, "outputs": "values"}


def scenario(kind: str) -> Scenario:
    made = globals()[kind]()
    given = {
        "model": model, "data": lambda: Data(x=X, y=Y), "optimizer": optimizer, "loss": "binary_crossentropy", "batch": 16,
        **made,
    }  # fmt: skip
    return Scenario(name=kind.replace("_", "-"), description=kind, **given)
