"""Batch normalization from its formula, for oracles: in place of Keras's layer, and of the backends' `moments`.

Independent of what it checks: it uses elementary operations only, and variances are two-pass. Formulas: Ioffe and
Szegedy 2015 (arXiv:1502.03167), with Keras's conventions: biased variance, moving = moving * momentum + batch * (1 -
momentum), padding left out where there is a mask, a frozen layer normalizes with its moving statistics; renormalization
as in Ioffe 2017 (arXiv:1702.03275), whose inference variance is the square of a moving standard deviation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from suite.records import Deviation
from suite.runner import keras_versions

Seen = Callable[[Any, Any, Any], None]


def replace(layer: Any, deviation: Callable[[], Deviation], seen: Seen) -> None:
    """From now on `layer` computes by formula, deviating as `deviation()` says. `seen(layer, mean, variance)` is told,
    whenever moving statistics move, what they move towards, (channels,) each. A subclass with a `call` of its own keeps
    it, with two-pass moments."""
    import keras

    def moments(inputs: Any, mask: Any) -> tuple[Any, Any]:
        mean, variance, _ = _moments(layer, inputs, None if deviation().mask_ignored else mask)
        seen(layer, mean, variance)
        return mean, variance

    def call(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        x = keras.ops.cast(inputs, "float64")
        normalized = _normalized(layer, x, bool(training), mask, deviation(), seen)
        return keras.ops.cast(normalized, layer.compute_dtype)

    # Straight into the instance: Keras tracks what is set as an attribute, and a class would change all models.
    if type(layer).call is keras.layers.BatchNormalization.call:
        layer.__dict__["call"] = call
    else:
        keras_versions.own_moments(layer, moments)


def _normalized(layer: Any, x: Any, training: bool, mask: Any, deviation: Deviation, seen: Seen) -> Any:
    from keras import ops

    epsilon = layer.epsilon if deviation.epsilon is None else deviation.epsilon
    mean, variance = ops.cast(layer.moving_mean, x.dtype), ops.cast(layer.moving_variance, x.dtype)
    scale, offset = 1.0, 0.0
    if training and (layer.trainable or deviation.frozen_moves):
        batch_mean, batch_variance, count = _moments(layer, x, None if deviation.mask_ignored else mask)
        unbiased = batch_variance * count / (count - 1.0)
        kept = unbiased if deviation.bessel else batch_variance
        batch_variance = unbiased if deviation.bessel == "both" else batch_variance
        if deviation.statistics == "batch":
            if deviation.moves:
                seen(layer, batch_mean, kept)
            mean, variance = batch_mean, batch_variance
            if deviation.constant_statistics:
                mean, variance = ops.stop_gradient(mean), ops.stop_gradient(variance)
            if _renormalizes(layer):
                scale, offset = _renormalization(layer, mean, variance, epsilon)
            for _ in range(deviation.moves):
                _move(layer, batch_mean, kept, deviation, epsilon)
    normal = (x - _spread(layer, mean, x)) / ops.sqrt(_spread(layer, variance, x) + epsilon)
    normal = normal * _spread(layer, scale, x) + _spread(layer, offset, x)
    if layer.scale:
        normal = normal * _spread(layer, ops.cast(layer.gamma, x.dtype), x)
    if layer.center:
        normal = normal + _spread(layer, ops.cast(layer.beta, x.dtype), x)
    return normal


def _moments(layer: Any, x: Any, mask: Any) -> tuple[Any, Any, Any]:
    """Mean and biased variance over all axes but the layer's, two-pass, each (channels,), and how many numbers went in."""
    import keras
    from keras import ops

    axes = [axis for axis in range(len(x.shape)) if axis != layer.axis % len(x.shape)]
    weight = ops.ones_like(x) if mask is None else ops.ones_like(x) * ops.expand_dims(ops.cast(mask, x.dtype), -1)
    count = ops.sum(weight, axis=axes)
    # With a mask, Keras divides by count + 1e-7, so that a batch of padding alone does not divide by zero.
    divisor = count if mask is None else count + keras.config.epsilon()
    mean = ops.sum(weight * x, axis=axes) / divisor
    centred = x - _spread(layer, mean, x)
    return mean, ops.sum(weight * centred * centred, axis=axes) / divisor, count


def _spread(layer: Any, value: Any, x: Any) -> Any:
    """(channels,) in the shape that multiplies `x`."""
    from keras import ops

    if isinstance(value, float):
        return value
    shape = [1] * len(x.shape)
    shape[layer.axis] = x.shape[layer.axis]
    return ops.reshape(value, shape)


def _move(layer: Any, mean: Any, variance: Any, deviation: Deviation, epsilon: float) -> None:
    from keras import ops

    def towards(variable: Any, value: Any, momentum: float) -> Any:
        moved = ops.cast(variable, value.dtype) * momentum + ops.stop_gradient(value) * (1.0 - momentum)
        variable.assign(moved)
        return moved

    momentum = layer.momentum if deviation.momentum is None else deviation.momentum
    towards(layer.moving_mean, mean, momentum)
    if not _renormalizes(layer):
        towards(layer.moving_variance, variance, momentum)
        return
    stddev = ops.sqrt(variance + epsilon)
    towards(layer.renorm_mean, mean, layer.renorm_momentum)
    towards(layer.renorm_stddev, stddev, layer.renorm_momentum)
    moved = towards(layer.moving_stddev, stddev, momentum)
    layer.moving_variance.assign(ops.maximum(moved * moved - epsilon, 0.0))


def _renormalizes(layer: Any) -> bool:
    return bool(getattr(layer, "renorm", False))  # an option of newer versions: Keras 3.12 lacks it


def _renormalization(layer: Any, mean: Any, variance: Any, epsilon: float) -> tuple[Any, Any]:
    """r and d of Ioffe 2017, constants for the gradient."""
    from keras import ops

    limits = layer.renorm_clipping
    running = ops.maximum(ops.cast(layer.renorm_stddev, mean.dtype), epsilon**0.5)
    r = ops.sqrt(variance + epsilon) / running
    d = (mean - ops.cast(layer.renorm_mean, mean.dtype)) / running
    if limits.get("rmin") is not None:
        r = ops.maximum(r, limits["rmin"])
    if limits.get("rmax") is not None:
        r = ops.minimum(r, limits["rmax"])
    if limits.get("dmax") is not None:
        d = ops.clip(d, -limits["dmax"], limits["dmax"])
    return ops.stop_gradient(r), ops.stop_gradient(d)
