"""Losses of predicted classes that are no crossentropies: hinges, divergence, overlap of regions, generalized."""

from __future__ import annotations

import numpy as np

from suite.referee.definition import Array, Undefined
from suite.referee.losses.reduction import Values
from suite.referee.losses.regression import Config


def signs(y_true: Array) -> Array:
    """Targets as -1 and 1: 2 · y_true - 1 if all of them are 0 or 1, else as they are."""
    return 2 * y_true - 1 if np.all((y_true == 0) | (y_true == 1)) else y_true


def hinge(y_true: Array, y_pred: Array, config: Config) -> Values:
    """mean(max(1 - s · y_pred, 0)), over the last axis, with s the targets as -1 and 1.

    Source: Keras documentation, Hinge: targets 0 and 1 are converted.
    """
    return Values(each=np.mean(np.maximum(1 - signs(y_true) * y_pred, 0), axis=-1))


def squared_hinge(y_true: Array, y_pred: Array, config: Config) -> Values:
    """mean(max(1 - s · y_pred, 0)²), over the last axis. Source: Keras documentation, SquaredHinge."""
    return Values(each=np.mean(np.maximum(1 - signs(y_true) * y_pred, 0) ** 2, axis=-1))


def categorical_hinge(y_true: Array, y_pred: Array, config: Config) -> Values:
    """max(0, 1 + max((1 - y_true) · y_pred) - Σ y_true · y_pred), over the last axis.

    Source: Keras documentation, CategoricalHinge.
    """
    right, wrong = np.sum(y_true * y_pred, axis=-1), np.max((1 - y_true) * y_pred, axis=-1)
    return Values(each=np.maximum(0, 1 + wrong - right))


def kl_divergence(y_true: Array, y_pred: Array, config: Config) -> Values:
    """Σ y_true · log(y_true / y_pred), over the last axis, both clipped to [epsilon, 1].

    Source: Kullback and Leibler (1951); Keras documentation, KLDivergence.
    """
    true, predicted = np.clip(y_true, config["epsilon"], 1), np.clip(y_pred, config["epsilon"], 1)
    return Values(each=np.sum(true * np.log(true / predicted), axis=-1))


def dice(y_true: Array, y_pred: Array, config: Config) -> Values:
    """1 - 2 · Σ y_true · y_pred / (Σ y_true + Σ y_pred + epsilon), over `axis`; over everything without one.

    Source: Milletari et al. (2016), with plain sums in place of sums of squares; Keras documentation, Dice.
    """
    axis = axes(config)
    overlap = np.sum(y_true * y_pred, axis=axis)
    return Values(
        each=np.asarray(1 - 2 * overlap / (np.sum(y_true, axis=axis) + np.sum(y_pred, axis=axis) + config["epsilon"]))
    )


def tversky(y_true: Array, y_pred: Array, config: Config) -> Values:
    """1 - t / (t + alpha · f + beta · m + epsilon), over `axis`; over everything without one.

    t = Σ y_true · y_pred, the true positives; f = Σ (1 - y_true) · y_pred, the false positives; m = Σ y_true · (1 - y_pred),
    the false negatives.

    Source: Salehi et al., Tversky Loss Function for Image Segmentation (2017), equation 3; Keras documentation, Tversky
    ("alpha: coefficient controlling incidence of false positives"). Keras up to 3.15 swaps alpha and beta on all backends.
    """
    axis, alpha, beta = axes(config), config.get("alpha", 0.5), config.get("beta", 0.5)
    hits = np.sum(y_true * y_pred, axis=axis)
    false = np.sum((1 - y_true) * y_pred, axis=axis)
    missed = np.sum(y_true * (1 - y_pred), axis=axis)
    return Values(each=np.asarray(1 - hits / (hits + alpha * false + beta * missed + config["epsilon"])))


def axes(config: Config) -> tuple[int, ...] | int | None:
    """`axis` of the configuration, which JSON may have made a list."""
    axis = config.get("axis")
    return tuple(axis) if isinstance(axis, list | tuple) else axis


def categorical_generalized_cross_entropy(y_true: Array, y_pred: Array, config: Config) -> Values:
    """(1 - p^q) / q, with p the predicted probability of the true class: integers (n,) or (n, 1), probabilities (n, c).

    Source: Zhang and Sabuncu (2018), equation 6; Keras documentation, CategoricalGeneralizedCrossEntropy.
    """
    classes, q = class_numbers(y_true, y_pred), config.get("q", 0.5)
    chosen = np.take_along_axis(y_pred, classes[..., None], axis=-1)[..., 0]
    return Values(each=(1 - chosen**q) / q)


def class_numbers(y_true: Array, y_pred: Array, axis: int = -1) -> Array:
    """Targets as integers, of the shape of `y_pred` without the axis of the classes, where they may have a 1.

    Raises:
        Undefined: their shape is a different one, or one of them is not the number of a class.
    """
    classes = np.asarray(y_true)
    if classes.ndim == y_pred.ndim and classes.shape[axis] == 1:
        classes = np.squeeze(classes, axis=axis)
    expected = np.delete(y_pred.shape, axis)
    if classes.shape != tuple(expected):
        raise Undefined(f"targets of shape {y_true.shape} do not fit predictions of shape {y_pred.shape}")
    if np.any((classes < 0) | (classes >= y_pred.shape[axis])):
        raise Undefined(f"a target is not one of the {y_pred.shape[axis]} classes: backends differ in what they do with it")
    return classes.astype(np.int64)


CLASSIFICATION = {
    "Hinge": hinge,
    "SquaredHinge": squared_hinge,
    "CategoricalHinge": categorical_hinge,
    "KLDivergence": kl_divergence,
    "Dice": dice,
    "Tversky": tversky,
    "CategoricalGeneralizedCrossEntropy": categorical_generalized_cross_entropy,
}
