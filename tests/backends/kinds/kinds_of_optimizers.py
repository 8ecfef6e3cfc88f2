"""Optimizers with options and wrappers, one scenario each: made by `scenario(kind)`, for files that hold one SCENARIO."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from suite.records import Data, Scenario

ROWS, FEATURES = 96, 6


def data() -> Data:
    import numpy as np

    random = np.random.default_rng(5)
    x = random.normal(size=(ROWS, FEATURES)).astype(np.float32)
    return Data(x=x[:64], y=x[:64, :3] ** 2, predict=x[64:])


def model() -> Any:
    """Names that are prefixes of one another, or become one where "/" is written "_"."""
    import keras

    layers = keras.layers
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, activation="tanh", name="b")], name="a")
    return keras.Sequential(
        [
            keras.Input((FEATURES,)),
            layers.Dense(5, activation="tanh", name="dense"),
            layers.Dense(4, activation="tanh", name="dense_1"),
            inner,
            layers.Dense(3, name="a_b"),
        ],
        name="names",
    )


def averaged() -> Any:
    """The file holds averages, the last step does not."""
    import keras

    return keras.optimizers.SGD(0.125, momentum=0.5, use_ema=True, ema_momentum=0.75)


def overwritten() -> Any:
    import keras

    return keras.optimizers.Adam(0.0625, amsgrad=True, use_ema=True, ema_momentum=0.75, ema_overwrite_frequency=2)


def accumulated() -> Any:
    import keras

    return keras.optimizers.Adam(0.0625, gradient_accumulation_steps=2, weight_decay=0.01)


def scaled() -> Any:
    import keras

    return keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True, loss_scale_factor=100.0)


def loss_scaled() -> Any:
    import keras

    return keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01), dynamic_growth_steps=3)


def float16() -> Any:
    """`compile` wraps it."""
    import keras

    return keras.optimizers.SGD(0.125, momentum=0.5)


def nadam() -> Any:
    """It keeps a product of momenta in a variable without a name."""
    import keras

    return keras.optimizers.Nadam(0.01)


def adafactor() -> Any:
    import keras

    return keras.optimizers.Adafactor(0.1)


def muon() -> Any:
    import keras

    return keras.optimizers.Muon(0.01, exclude_layers=["a_b"])


def several() -> Any:
    """Two optimizers, each for its own part of the variables."""
    import keras

    momentum = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.7), momentum=0.5)
    return keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(momentum, {".*dense/.*": keras.optimizers.Adam(0.01)})
    )


def schedule_free() -> Any:
    """Its momentum begins at the weights."""
    import keras

    return keras.optimizers.ScheduleFreeAdamW(0.05)


def excluded() -> Any:
    """What is excluded from weight decay is in no configuration."""
    import keras

    optimizer = keras.optimizers.AdamW(0.05, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


KINDS: tuple[Callable[[], Any], ...] = (
    averaged, overwritten, accumulated, scaled, loss_scaled, float16, nadam, adafactor, muon, several, schedule_free,
    excluded,
)  # fmt: skip


def scenario(kind: str) -> Scenario:
    optimizer = next(one for one in KINDS if one.__name__ == kind)
    return Scenario(
        name=f"optimizer-{kind.replace('_', '-')}",
        description=kind,
        model=model,
        data=data,
        optimizer=optimizer,
        loss="mse",
        dtype_policy="mixed_float16" if kind == "float16" else "float32",
        batch=16,
        steps=5,
        outputs="values",
    )
