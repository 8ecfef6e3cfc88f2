"""Losses of predicted numbers. `epsilon` in a configuration is that of Keras's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from suite.referee.definition import Array
from suite.referee.losses.reduction import Values

Config = Mapping[str, Any]


def mean_squared_error(y_true: Array, y_pred: Array, config: Config) -> Values:
    """mean((y_true - y_pred)²), over the last axis. Source: Keras documentation, MeanSquaredError."""
    return Values(each=np.mean((y_true - y_pred) ** 2, axis=-1))


def mean_absolute_error(y_true: Array, y_pred: Array, config: Config) -> Values:
    """mean(|y_true - y_pred|), over the last axis. Source: Keras documentation, MeanAbsoluteError."""
    return Values(each=np.mean(np.abs(y_true - y_pred), axis=-1))


def mean_absolute_percentage_error(y_true: Array, y_pred: Array, config: Config) -> Values:
    """100 · mean(|y_true - y_pred| / max(|y_true|, epsilon)), over the last axis.

    Source: Keras documentation, MeanAbsolutePercentageError ("dividing by zero is prevented by maximum(y_true, epsilon)").
    """
    return Values(each=100 * np.mean(np.abs(y_true - y_pred) / np.maximum(np.abs(y_true), config["epsilon"]), axis=-1))


def mean_squared_logarithmic_error(y_true: Array, y_pred: Array, config: Config) -> Values:
    """mean((log(1 + y_true) - log(1 + y_pred))²), over the last axis; values below epsilon count as epsilon.

    Source: Keras documentation, MeanSquaredLogarithmicError.
    """
    logarithms = np.log(1 + np.maximum(y_true, config["epsilon"])) - np.log(1 + np.maximum(y_pred, config["epsilon"]))
    return Values(each=np.mean(logarithms**2, axis=-1))


def huber(y_true: Array, y_pred: Array, config: Config) -> Values:
    """mean(h(y_pred - y_true)), over the last axis: h(x) = x² / 2 where |x| ≤ delta, else delta · |x| - delta² / 2.

    Source: Huber (1964); Keras documentation, Huber. Up to Keras 3.15 the configuration leaves `delta` out: it is then 1.
    """
    delta, size = config.get("delta", 1.0), np.abs(y_pred - y_true)
    return Values(each=np.mean(np.where(size <= delta, size**2 / 2, delta * size - delta**2 / 2), axis=-1))


def log_cosh(y_true: Array, y_pred: Array, config: Config) -> Values:
    """mean(log(cosh(y_pred - y_true))), over the last axis. Source: Keras documentation, LogCosh."""
    error = y_pred - y_true
    return Values(each=np.mean(np.logaddexp(error, -error) - np.log(2), axis=-1))


def cosine_similarity(y_true: Array, y_pred: Array, config: Config) -> Values:
    """-Σ a · b over `axis` (-1), with a and b the arguments divided by their Euclidean norms, or by epsilon if that is more.

    Source: Keras documentation, CosineSimilarity. Up to Keras 3.15 the configuration leaves `axis` out: it is then -1.
    """
    axis = config.get("axis", -1)

    def unit(values: Array) -> Array:
        return np.asarray(values / np.maximum(np.sqrt(np.sum(values**2, axis=axis, keepdims=True)), config["epsilon"]))

    return Values(each=-np.sum(unit(y_true) * unit(y_pred), axis=axis))


def poisson(y_true: Array, y_pred: Array, config: Config) -> Values:
    """mean(y_pred - y_true · log(y_pred + epsilon)), over the last axis. Source: Keras documentation, Poisson."""
    return Values(each=np.mean(y_pred - y_true * np.log(y_pred + config["epsilon"]), axis=-1))


REGRESSION = {
    "MeanSquaredError": mean_squared_error,
    "MeanAbsoluteError": mean_absolute_error,
    "MeanAbsolutePercentageError": mean_absolute_percentage_error,
    "MeanSquaredLogarithmicError": mean_squared_logarithmic_error,
    "Huber": huber,
    "LogCosh": log_cosh,
    "CosineSimilarity": cosine_similarity,
    "Poisson": poisson,
}
