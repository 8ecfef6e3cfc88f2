"""Crossentropies of predicted probabilities or logits.

Predicted probabilities are clipped to [epsilon, 1 - epsilon] before their logarithm is taken; where they are those of
several classes, they are first divided by their sum. `epsilon` in a configuration is that of Keras's own. Source: Keras
documentation, losses and keras.config.epsilon.
"""

from __future__ import annotations

import numpy as np

from suite.referee.definition import Array
from suite.referee.losses.classification import class_numbers
from suite.referee.losses.reduction import Values
from suite.referee.losses.regression import Config


def log_sigmoid(logits: Array) -> Array:
    """log(1 / (1 + exp(-x))), without overflow."""
    return np.asarray(-np.logaddexp(0, -logits))


def log_softmax(logits: Array, axis: int) -> Array:
    """log(exp(x) / Σ exp(x)) along `axis`, without overflow."""
    shifted = logits - np.max(logits, axis=axis, keepdims=True)
    return np.asarray(shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True)))


def clipped(probabilities: Array, config: Config) -> Array:
    return np.asarray(np.clip(probabilities, config["epsilon"], 1 - config["epsilon"]))


def normalized(probabilities: Array, axis: int, config: Config) -> Array:
    return clipped(np.asarray(probabilities / np.sum(probabilities, axis=axis, keepdims=True)), config)


def _binary(y_true: Array, y_pred: Array, config: Config, from_logits: bool) -> Array:
    """-(y · log p + (1 - y) · log(1 - p)), for each element."""
    if from_logits:
        return np.asarray(-(y_true * log_sigmoid(y_pred) + (1 - y_true) * log_sigmoid(-y_pred)))
    p = clipped(y_pred, config)
    return np.asarray(-(y_true * np.log(p) + (1 - y_true) * np.log(1 - p)))


def _smoothed_binary(y_true: Array, config: Config) -> Array:
    """`label_smoothing` s: (1 - s) · y_true + s / 2."""
    smoothing = config.get("label_smoothing", 0.0)
    return np.asarray((1 - smoothing) * y_true + smoothing / 2)


def _smoothed(y_true: Array, config: Config, axis: int) -> Array:
    """`label_smoothing` s, with the number n of classes: (1 - s) · y_true + s / n.

    Keras documentation: "0.1 / num_classes for non-target labels". The classes are those along `axis`; Keras counts the
    last axis instead on all backends, which only shows if `axis` is a different one.
    """
    smoothing = config.get("label_smoothing", 0.0)
    return np.asarray((1 - smoothing) * y_true + smoothing / y_true.shape[axis])


def binary_crossentropy(y_true: Array, y_pred: Array, config: Config) -> Values:
    """mean(-(y · log p + (1 - y) · log(1 - p))) over `axis` (-1), with p = y_pred, or its sigmoid with `from_logits`, and
    y the smoothed targets. Source: Keras documentation, BinaryCrossentropy."""
    each = _binary(_smoothed_binary(y_true, config), y_pred, config, config.get("from_logits", False))
    return Values(each=np.mean(each, axis=config.get("axis", -1)))


def binary_focal_crossentropy(y_true: Array, y_pred: Array, config: Config) -> Values:
    """mean(w · (1 - q)^gamma · binary crossentropy) over `axis` (-1), with q = y · p + (1 - y) · (1 - p) and, with
    `apply_class_balancing`, w = y · alpha + (1 - y) · (1 - alpha); else w = 1. q is not clipped.

    Source: Lin et al., Focal Loss for Dense Object Detection (2018), equations 4 and 5; Keras documentation,
    BinaryFocalCrossentropy.
    """
    y = _smoothed_binary(y_true, config)
    p = np.exp(log_sigmoid(y_pred)) if config.get("from_logits", False) else y_pred
    each = (1 - (y * p + (1 - y) * (1 - p))) ** config.get("gamma", 2.0) * _binary(y, p, config, from_logits=False)
    if config.get("apply_class_balancing", False):
        alpha = config.get("alpha", 0.25)
        each = (y * alpha + (1 - y) * (1 - alpha)) * each
    return Values(each=np.mean(each, axis=config.get("axis", -1)))


def _log_probabilities(y_pred: Array, config: Config, axis: int) -> Array:
    logits = config.get("from_logits", False)
    return log_softmax(y_pred, axis) if logits else np.log(normalized(y_pred, axis, config))


def categorical_crossentropy(y_true: Array, y_pred: Array, config: Config) -> Values:
    """-Σ y · log p along `axis` (-1), with p = y_pred, or its softmax with `from_logits`, and y the smoothed targets.

    Source: Keras documentation, CategoricalCrossentropy.
    """
    axis = config.get("axis", -1)
    logarithms = _log_probabilities(y_pred, config, axis)
    return Values(each=-np.sum(_smoothed(y_true, config, axis) * logarithms, axis=axis))


def categorical_focal_crossentropy(y_true: Array, y_pred: Array, config: Config) -> Values:
    """-Σ alpha · (1 - p)^gamma · y · log p along `axis` (-1), with p and y as above; p is clipped in both places.

    Source: Lin et al. (2018), for several classes; Keras documentation, CategoricalFocalCrossentropy.
    """
    axis = config.get("axis", -1)
    p = np.exp(log_softmax(y_pred, axis)) if config.get("from_logits", False) else y_pred
    p = normalized(p, axis, config)
    each = config.get("alpha", 0.25) * (1 - p) ** config.get("gamma", 2.0) * _smoothed(y_true, config, axis) * np.log(p)
    return Values(each=-np.sum(each, axis=axis))


def sparse_categorical_crossentropy(y_true: Array, y_pred: Array, config: Config) -> Values:
    """-log p of the true class along `axis` (-1), with p = y_pred, or its softmax with `from_logits`.

    Targets that are `ignore_class` give 0, and do not count in a mean. `label_smoothing` s, which versions after 3.15 have:
    (1 - s) · this - s · mean of log p over all classes.

    Source: Keras documentation, SparseCategoricalCrossentropy. Up to Keras 3.15 the configuration leaves `axis` out: it
    is then -1.
    """
    axis, ignored = config.get("axis", -1), config.get("ignore_class")
    classes, counted = np.asarray(y_true), None
    if ignored is not None:
        if classes.ndim == y_pred.ndim and classes.shape[axis] == 1:
            classes = np.squeeze(classes, axis=axis)
        counted = classes != ignored
        classes = np.where(counted, classes, 0)
        y_pred = np.where(np.expand_dims(counted, axis), y_pred, 1.0)
    numbers = class_numbers(classes, y_pred, axis)
    logarithms = _log_probabilities(y_pred, config, axis)
    each = -np.take_along_axis(logarithms, np.expand_dims(numbers, axis), axis=axis).squeeze(axis)
    smoothing = config.get("label_smoothing", 0.0)
    each = (1 - smoothing) * each - smoothing * np.mean(logarithms, axis=axis)
    return Values(each=each if counted is None else np.where(counted, each, 0.0), counted=counted)


CROSSENTROPIES = {
    "BinaryCrossentropy": binary_crossentropy,
    "BinaryFocalCrossentropy": binary_focal_crossentropy,
    "CategoricalCrossentropy": categorical_crossentropy,
    "CategoricalFocalCrossentropy": categorical_focal_crossentropy,
    "SparseCategoricalCrossentropy": sparse_categorical_crossentropy,
}
