"""Float64 runs made real: Keras, its layers and its constants in double precision on every backend.

A float64 run has the semantics of the float32 run and a rounding unit nine decades smaller. Three things stand in the way:
JAX needs x64; Keras demotes float64 to float32 inside ops on JAX and torch (keras#23223, keras#23704); and a decimal
constant such as Adam's 0.999 may pass through float32 on one backend only. `adopt` removes the first two, `dyadic` the
third.
"""

from __future__ import annotations

import math
from typing import Any, Literal

Constants = Literal["own", "dyadic"]  # the decimal constants of a scenario, or in place of each a power of two near it


def constants_of(precision: str) -> Constants:
    """The constants of a run: dyadic ones in a float64 run."""
    return "dyadic" if precision == "float64" else "own"


def adopt(precision: str, policy: str) -> None:
    """Sets up this process, before anything is built: "float32" with the scenario's dtype policy, or "float64"."""
    import keras

    if precision == "float32":
        keras.config.set_dtype_policy(policy)
        return
    if keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    _keep_64_bits()
    _every_policy_is_float64()


def _keep_64_bits() -> None:
    # Private, hence looked for: keras#23223. Where a version has no such table it demotes nothing, or the float64 probe
    # fails.
    try:
        from keras.src.backend.common import dtypes
    except ImportError:
        return
    getattr(dtypes, "BIT64_TO_BIT32_DTYPE", {}).clear()


def _every_policy_is_float64() -> None:
    # A layer may name its own dtype; in a float64 run there is one. Policies are looked up in this module only.
    import keras
    from keras.src import dtype_policies

    double = keras.dtype_policies.DTypePolicy("float64")
    dtype_policies.get = lambda identifier=None: double


def dyadic(value: float) -> float:
    """The nearest power of two, or for 0.5 < value < 1 the nearest 1 - 2^-k: exact in every floating-point format."""
    if not math.isfinite(value) or value == 0.0:
        return value
    if 0.5 < value < 1.0:
        return 1.0 - 2.0 ** round(math.log2(1.0 - value))
    return math.copysign(2.0 ** round(math.log2(abs(value))), value)


def dyadic_config(config: Any) -> Any:
    """A Keras configuration with every float in it made dyadic."""
    if isinstance(config, float):
        return dyadic(config)
    if isinstance(config, dict):
        return {key: dyadic_config(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(dyadic_config(value) for value in config)
    return config


def dyadic_optimizer(optimizer: Any) -> Any:
    """The same optimizer with dyadic constants, its schedule included."""
    return type(optimizer).from_config(dyadic_config(optimizer.get_config()))


def double_schedule(optimizer: Any) -> None:
    """Gives a schedule's constants the type float64, in place: TensorFlow makes float32 tensors of Python's floats, and
    would compute the learning rate of a float64 run in single precision."""
    import keras
    import numpy as np

    schedule = optimizer._learning_rate
    if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
        for name, value in vars(schedule).items():
            if isinstance(value, float):
                setattr(schedule, name, np.float64(value))


def dyadic_layers(layers: list[Any]) -> None:
    """Makes the constants of layers dyadic, in place: momentum and epsilon of batch normalizations, factors of penalties."""
    import keras

    for layer in layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum, layer.epsilon = dyadic(layer.momentum), dyadic(layer.epsilon)
        for penalty in vars(layer).values():
            if isinstance(penalty, keras.regularizers.Regularizer):
                for name, value in vars(penalty).items():
                    if isinstance(value, float):
                        setattr(penalty, name, dyadic(value))


def not_float64(model: Any) -> list[str]:
    """The names of floating-point variables of `model` that are not float64; a float64 run has none."""
    return [
        f"{variable.path} is {variable.dtype}"
        for variable in model.variables
        if "float" in str(variable.dtype) and str(variable.dtype) != "float64"
    ]
