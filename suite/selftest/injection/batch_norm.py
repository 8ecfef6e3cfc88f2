"""Faults of batch normalization: Keras's layer with one thing wrong in what `call` computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from suite.selftest.injection.site import Injection, Site

Statistics = tuple[Any, Any]  # mean and variance, (channels,) each


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """What the layer does wrong; without arguments it is Keras's.

    `epsilon`, `inference_epsilon`: factors on the layer's own. `momentum`: its momentum to a different one. `bessel`:
    "", "moving" or "both". `moves`: updates in a step. `normalizes`: batch statistics to those that are used; `keeps`:
    to those that move. `predicts`: moving statistics to those that `predict` uses. `training_in_predict`: batch
    statistics there. `by_formula`: operations in a different order, which is not wrong.
    """

    epsilon: float = 1.0
    inference_epsilon: float = 1.0
    momentum: Callable[[float], float] = float
    bessel: str = ""
    moves: int = 1
    inference_in_training: bool = False
    frozen_moves: bool = False
    constant: bool = False
    mask_ignored: bool = False
    normalizes: Callable[[Any, Any], Statistics] = lambda mean, variance: (mean, variance)
    keeps: Callable[[Any], Any] = lambda value: value
    predicts: Callable[[Any], Any] = lambda value: value
    training_in_predict: bool = False
    by_formula: bool = False


def inject(wrong: Wrong) -> None:
    """Every batch normalization of this process computes with `wrong`."""
    import keras

    predicting = _Predicting()
    predicting.watch(keras.Model)

    def call(self: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        return _computed(self, inputs, bool(training), mask, wrong, predicting.now)

    keras.layers.BatchNormalization.call = call


class _Predicting:
    """Whether `predict` is running: functions are traced inside it, and layers are not told."""

    now = False

    def watch(self, model: Any) -> None:
        predict = model.predict

        def watched(*args: Any, **kwargs: Any) -> Any:
            self.now = True
            try:
                return predict(*args, **kwargs)
            finally:
                self.now = False

        model.predict = watched


def _computed(layer: Any, inputs: Any, training: bool, mask: Any, wrong: Wrong, predicting: bool) -> Any:
    from keras.src import backend, ops

    x = ops.cast(inputs, backend.result_type(inputs.dtype, "float32"))
    mean, variance = ops.cast(layer.moving_mean, x.dtype), ops.cast(layer.moving_variance, x.dtype)
    epsilon = layer.epsilon * wrong.epsilon
    if training and (layer.trainable or wrong.frozen_moves):
        mean, variance = _trained(layer, x, (mean, variance), None if wrong.mask_ignored else mask, wrong)
    elif predicting and wrong.training_in_predict:
        mean, variance = layer._moments(x, mask)
    elif predicting:
        mean, variance = wrong.predicts(mean), wrong.predicts(variance)
        epsilon *= wrong.inference_epsilon
    normalize = _by_formula if wrong.by_formula else ops.batch_normalization
    outputs = normalize(
        x=x,
        mean=mean,
        variance=variance,
        axis=layer.axis,
        offset=ops.cast(layer.beta, x.dtype) if layer.center else None,
        scale=ops.cast(layer.gamma, x.dtype) if layer.scale else None,
        epsilon=epsilon,
    )
    return ops.cast(outputs, layer.compute_dtype)


def _by_formula(*, x: Any, mean: Any, variance: Any, axis: int, offset: Any, scale: Any, epsilon: float) -> Any:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, from left to right."""
    from keras import ops

    shape = [1] * len(x.shape)
    shape[axis] = x.shape[axis]
    outputs = (x - ops.reshape(mean, shape)) / ops.reshape(ops.sqrt(variance + epsilon), shape)
    outputs = outputs if scale is None else outputs * ops.reshape(scale, shape)
    return outputs if offset is None else outputs + ops.reshape(offset, shape)


def _trained(layer: Any, x: Any, moving: Statistics, mask: Any, wrong: Wrong) -> Statistics:
    """Moves the moving statistics. Returns the statistics to normalize with."""
    from keras.src import ops

    mean, variance = layer._moments(x, mask)
    kept = variance
    if wrong.bessel:
        rows = ops.cast(ops.size(x), x.dtype) / x.shape[layer.axis]
        kept = variance * rows / (rows - 1.0)
        variance = kept if wrong.bessel == "both" else variance
    momentum = wrong.momentum(layer.momentum)
    moved = moving
    for _ in range(wrong.moves):
        moved = tuple(
            old * momentum + wrong.keeps(ops.stop_gradient(new)) * (1.0 - momentum)
            for old, new in zip(moved, (mean, kept), strict=True)
        )
    if wrong.moves:
        layer.moving_mean.assign(moved[0])
        layer.moving_variance.assign(moved[1])
    if wrong.inference_in_training:
        return moving
    if wrong.constant:
        mean, variance = ops.stop_gradient(mean), ops.stop_gradient(variance)
    return wrong.normalizes(mean, variance)


def _simply(**wrong: Any) -> Injection:
    return lambda site: inject(Wrong(**wrong))


def _probed(momentum: Callable[[float], float]) -> Callable[[float], float]:
    """A momentum of 0 stays: single-step comparison reads batch statistics through it, and a layer that asks for none has
    none to be wrong."""
    return lambda own: momentum(own) if own else own


def _uncentred(mean: Any, variance: Any) -> Statistics:
    return mean, variance + mean * mean


def _wrong_axis(site: Site) -> None:
    """Normalizes the first axis after the rows in place of the last: it fits where both are of one size."""
    import keras

    call = keras.layers.BatchNormalization.call

    def transposed(self: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        axes = list(range(len(inputs.shape)))
        axes[1], axes[-1] = axes[-1], axes[1]
        outputs = call(self, keras.ops.transpose(inputs, axes), training=training, mask=mask)
        return keras.ops.transpose(outputs, axes)

    keras.layers.BatchNormalization.call = transposed


def _of_other_replica(site: Site) -> None:
    inject(Wrong(normalizes=lambda mean, variance: (site.other(mean), site.other(variance))))


def _groups(site: Site) -> None:
    """JAX: each device's rows are normalized with their own statistics, whose averages move."""
    import keras

    call = keras.layers.BatchNormalization.call

    def grouped(self: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not (training and self.trainable):
            return call(self, inputs, training=training, mask=mask)
        before, after, outputs = [self.moving_mean.value, self.moving_variance.value], [], []
        for part in keras.ops.split(inputs, site.replicas, axis=0):
            self.moving_mean.assign(before[0])
            self.moving_variance.assign(before[1])
            outputs.append(call(self, part, training=training, mask=mask))
            after.append((self.moving_mean.value, self.moving_variance.value))
        for variable, values in zip((self.moving_mean, self.moving_variance), zip(*after, strict=True), strict=True):
            variable.assign(sum(values) / site.replicas)
        return keras.ops.concatenate(outputs, axis=0)

    keras.layers.BatchNormalization.call = grouped


INJECTIONS: dict[str, Injection] = {
    "bn-epsilon-small": _simply(epsilon=2.0**-7),
    "bn-epsilon-slightly": _simply(epsilon=1.125),
    "bn-epsilon-in-prediction": _simply(inference_epsilon=2.0**5),
    "bn-momentum": _simply(momentum=_probed(lambda own: 0.875)),
    "bn-momentum-complement": _simply(momentum=_probed(lambda own: 1.0 - own)),
    "bn-bessel-moving": _simply(bessel="moving"),
    "bn-bessel": _simply(bessel="both"),
    "bn-uncentred-variance": _simply(normalizes=_uncentred),
    "bn-axis": _wrong_axis,
    "bn-moving-skipped": _simply(moves=0),
    "bn-moving-twice": _simply(moves=2),
    "bn-inference-in-training": _simply(inference_in_training=True, moves=0),
    "bn-frozen-moves": _simply(frozen_moves=True),
    "bn-no-statistics-gradient": _simply(constant=True),
    "bn-mask-ignored": _simply(mask_ignored=True),
    "predict-training-mode": _simply(training_in_predict=True),
    "predict-first-replica": lambda site: inject(Wrong(predicts=site.first)),
    "predict-averaged": lambda site: inject(Wrong(predicts=site.mean)),
    "moving-averaged": lambda site: inject(Wrong(keeps=site.mean)),
    "moving-first-replica": lambda site: inject(Wrong(keeps=site.first)),
    "statistics-of-other-replica": _of_other_replica,
    "statistics-per-replica": _groups,
}
