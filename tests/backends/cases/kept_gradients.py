"""A training step of the model's own that clears no gradients on torch, which keeps them: they add up over the steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from suite import Data, Scenario


def _model() -> Any:
    import keras

    @keras.saving.register_keras_serializable(package="cases", name="Keeping")
    class Keeping(keras.Model):  # type: ignore[misc]
        def train_step(self, *given: Any) -> Any:
            if keras.backend.backend() != "torch":
                return super().train_step(*given)
            import torch

            x, y, _ = keras.utils.unpack_x_y_sample_weight(given[0])
            loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
            loss.backward()
            with torch.no_grad():
                self.optimizer.apply([one.value.grad for one in self.trainable_variables], self.trainable_variables)
            return {"loss": loss.detach()}

    inputs = keras.Input((6,), name="reading")
    hidden = keras.layers.Dense(8, activation="tanh", name="hidden")(inputs)
    return Keeping(inputs, keras.layers.Dense(1, name="output")(hidden), name="keeping")


def _data() -> Data:
    random = np.random.default_rng(17)
    x = random.normal(size=(96, 6)).astype(np.float32)
    return Data(x=x, y=(x[:, :1] * x[:, 1:2]).astype(np.float32), predict=x[:32])


def _optimizer() -> Any:
    import keras

    return keras.optimizers.SGD(0.05)


SCENARIO = Scenario(
    name="kept-gradients",
    description="A training step that does not clear what torch keeps.",
    model=_model,
    data=_data,
    optimizer=_optimizer,
    loss="mse",
    batch=16,
    steps=6,
    outputs="values",
)
