"""Constants of a float64 run that no backend rounds: those of its optimizer, its layers, its loss and of Keras itself.

A decimal constant may pass through float32 on one backend only: TensorFlow makes float32 tensors of Python's floats, and
casts them then (Adam's 0.999, a slope of 0.3, a scale of 1/255). A float64 run would differ by 1e-8 there, and nothing would
be wrong. So a float64 run has, in place of each such constant, a number near it that float32 holds exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable, Mapping
from functools import wraps
from types import FunctionType, ModuleType
from typing import Any, Literal

import numpy as np

from suite.runner import keras_versions, optimizers

Constants = Literal["own", "dyadic"]  # the decimal constants of a scenario, or in place of each one near it that is exact

DOUBLE = "computes_in_float64"  # marks the `__call__` of a schedule's class
BITS = 8  # so few that what is computed from such constants (1 - value, its square) is exact in float32, too


def constants_of(precision: str) -> Constants:
    """The constants of a run: dyadic ones in a float64 run."""
    return "dyadic" if precision == "float64" else "own"


def dyadic(value: float) -> float:
    """The same number if it has at most 8 significant bits. Else the nearest power of two, or for 0.5 < value < 1 the
    nearest 1 - 2^-k: exact in float32. From 1 on, the nearest number of 8 bits: such constants are coefficients, and an
    iteration that converges with 3.4445 may diverge with 4."""
    if not math.isfinite(value) or value == 0.0 or (math.frexp(value)[0] * 2.0**BITS).is_integer():
        return value
    if 0.5 < value < 1.0:
        return 1.0 - 2.0 ** round(math.log2(1.0 - value))
    if abs(value) > 1.0:
        fraction, exponent = math.frexp(value)
        return math.ldexp(round(math.ldexp(fraction, BITS)), exponent - BITS)
    return math.copysign(2.0 ** round(math.log2(abs(value))), value)


def dyadic_value(value: Any) -> Any:
    """The same with every float in it made dyadic: a number, or lists, tuples and dicts of such. Anything else stays what
    it is, arrays included; the same object is returned where nothing changes."""
    if isinstance(value, float):
        return dyadic(value)
    if isinstance(value, dict):
        settled = {key: dyadic_value(one) for key, one in value.items()}
        return settled if any(settled[key] is not one for key, one in value.items()) else value
    if isinstance(value, list) or type(value) is tuple:
        entries = [dyadic_value(one) for one in value]
        changed = any(entry is not one for entry, one in zip(entries, value, strict=True))
        return (entries if isinstance(value, list) else tuple(entries)) if changed else value
    return value


def make_dyadic(thing: object, without: Container[str] = ()) -> None:
    """Makes the floats that an object holds as attributes dyadic, in place, but for those of some names."""
    attributes = vars(thing)
    for name, value in list(attributes.items()):
        if name not in without and (settled := dyadic_value(value)) is not value:
            attributes[name] = settled  # straight into the instance: Keras tracks what is set as an attribute


def derived(layer: Any) -> list[str]:
    """The names of the private attributes of a layer that are floats and that its configuration does not hold, such as one
    over the square root of the width of a key: they follow from its settings, so that another value would be wrong."""
    try:
        settings = layer.get_config()
    except NotImplementedError:  # Keras cannot say what the settings of such a class are
        settings = {}
    private = [name for name, value in vars(layer).items() if name.startswith("_") and isinstance(value, float)]
    return [name for name in private if name.lstrip("_") not in settings]


def make_double(thing: object, attributes: Iterable[str]) -> None:
    """Gives floats that an object holds the type float64, in place: TensorFlow makes float32 tensors of Python's floats, and
    would round them in a float64 run."""
    held = vars(thing)
    for name in attributes:
        held[name] = np.float64(held[name])


def dyadic_optimizer(optimizer: Any) -> None:
    """Makes the constants of an optimizer dyadic, in place: its own, its learning rate or schedule, and those of optimizers
    inside it. In place, because a configuration does not hold everything (what is excluded from weight decay)."""
    import keras

    for member in optimizers.members(optimizer):
        make_dyadic(member)
        rate = member._learning_rate
        if keras_versions.is_variable(rate):
            rate.assign(dyadic(float(rate.numpy())))
        elif isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            make_dyadic(rate)


def double_schedules(optimizer: Any) -> None:
    """Has schedules compute the learning rate in float64, in place: it would be rounded to single precision otherwise, and
    differently where it is compiled."""
    import keras

    for member in optimizers.members(optimizer):
        if isinstance(schedule := member._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            _double_schedule(schedule)


def _double_schedule(schedule: Any) -> None:
    """Gives its constants the type float64, in which Keras's own schedules compute then. A user's may cast to float32."""
    import keras

    held = vars(schedule)
    make_double(schedule, [name for name, value in held.items() if isinstance(value, float)])
    for inner in held.values():
        if isinstance(inner, keras.optimizers.schedules.LearningRateSchedule):
            _double_schedule(inner)
    kind = type(schedule)
    if not keras_versions.is_of_keras(kind) and not hasattr(kind.__call__, DOUBLE):
        kind.__call__ = _with_wide_casts(kind.__call__)


def _with_wide_casts(call: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The same with casts to float64 in place of those to float32, as far as they are made by `keras.ops`."""

    @wraps(call)
    def called(schedule: Any, step: Any) -> Any:
        import keras

        cast, convert = keras.ops.cast, keras.ops.convert_to_tensor

        def wide(dtype: Any) -> Any:
            return "float64" if dtype is not None and keras.backend.standardize_dtype(dtype) == "float32" else dtype

        keras.ops.cast = lambda x, dtype: cast(x, wide(dtype))
        keras.ops.convert_to_tensor = lambda x, dtype=None, **others: convert(x, wide(dtype), **others)
        try:
            return call(schedule, step)
        finally:
            keras.ops.cast, keras.ops.convert_to_tensor = cast, convert

    setattr(called, DOUBLE, True)
    return called


def dyadic_layers(layers: Iterable[Any]) -> None:
    """Makes the constants of layers dyadic, in place, and those of their penalties and constraints. What follows from their
    settings stays as it is, in float64."""
    import keras

    for layer in layers:
        names = derived(layer)
        make_dyadic(layer, without=names)
        make_double(layer, names)
        for part in vars(layer).values():
            if isinstance(part, keras.regularizers.Regularizer | keras.constraints.Constraint):
                make_dyadic(part)
        if isinstance(layer, keras.layers.Normalization) and layer.built and layer.input_mean is not None:
            layer.build(layer._build_input_shape)  # makes tensors of the constants; there are no variables to make


def dyadic_loss(loss: Any) -> Any:
    """A loss as `compile` takes it, with the constants of its objects made dyadic, in place."""
    import keras

    for one in _members(loss):
        if isinstance(one, keras.losses.Loss):
            make_dyadic(one)
    return loss


def _members(loss: Any) -> list[Any]:
    if isinstance(loss, Mapping):
        return [member for one in loss.values() for member in _members(one)]
    return [member for one in loss for member in _members(one)] if isinstance(loss, list | tuple) else [loss]


def dyadic_defaults() -> None:
    """Makes Keras's own constants dyadic in this process: its epsilon, and what its functions take by default, such as
    the slope of `leaky_relu`."""
    import keras

    keras.config.set_epsilon(dyadic(keras.config.epsilon()))
    for module in (keras.activations, keras.losses, keras.ops):
        for function in _functions(module):
            function.__defaults__ = dyadic_value(function.__defaults__)
            function.__kwdefaults__ = dyadic_value(function.__kwdefaults__)


def _functions(module: ModuleType) -> list[FunctionType]:
    return [value for value in vars(module).values() if isinstance(value, FunctionType)]
