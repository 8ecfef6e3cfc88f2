"""A small network in NumPy, float64: Dense - batch normalization - ReLU - Dense - softmax, trained by SGD.

The float64 probe is compared with it, and the NumPy backend trains it. Formulas: batch normalization and its gradient
as in Ioffe and Szegedy 2015 (arXiv:1502.03167), variance biased; mean cross-entropy over the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from suite.records import shares

Weights = dict[str, np.ndarray]

HIDDEN = 16


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Constants of the network and of what may go wrong in it (see suite/runner/numpy_backend/training.py)."""

    rate: float = 2.0**-4
    momentum: float = 1.0 - 2.0**-7
    epsilon: float = 2.0**-10
    bessel: bool = False
    logits: float = 1.0  # factor on what the last layer returns before its softmax
    bits: int = 0  # of the fraction of each operand of a float32 product; 0 for all


def initial(features: int, classes: int, seed: int) -> Weights:
    """Weights by path, float32: kernels uniform in +-sqrt(6 / (inputs + outputs)), gamma 1, beta 0."""
    random = np.random.default_rng(seed)

    def kernel(rows: int, columns: int) -> np.ndarray:
        limit = np.sqrt(6.0 / (rows + columns))
        return random.uniform(-limit, limit, (rows, columns)).astype(np.float32)

    return {
        "hidden/kernel": kernel(features, HIDDEN),
        "hidden/bias": np.zeros(HIDDEN, np.float32),
        "norm/gamma": np.ones(HIDDEN, np.float32),
        "norm/beta": np.zeros(HIDDEN, np.float32),
        "norm/moving_mean": np.zeros(HIDDEN, np.float32),
        "norm/moving_variance": np.ones(HIDDEN, np.float32),
        "output/kernel": kernel(HIDDEN, classes),
        "output/bias": np.zeros(classes, np.float32),
    }


def product(a: np.ndarray, b: np.ndarray, bits: int) -> np.ndarray:
    """a @ b; of float32 operands that are rounded to so many bits of their fraction first, if that is not 0."""
    found: np.ndarray = rounded(a, bits) @ rounded(b, bits)
    return found


def rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """The nearest numbers with so many bits of their fraction; float64 stays as it is."""
    if not bits or values.dtype != np.float32:
        return values
    fraction, exponent = np.frexp(values)  # 0.5 <= |fraction| < 1: the first bit is not counted
    return np.asarray(np.ldexp(np.rint(np.ldexp(fraction, bits + 1)), exponent - bits - 1))


def moments(x: np.ndarray, groups: int, bessel: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each of `groups` contiguous groups of rows: (groups, channels) each; two-pass."""
    split = x.reshape(groups, -1, x.shape[1])
    return split.mean(1), split.var(1, ddof=int(bessel))


def step(weights: Weights, x: np.ndarray, y: np.ndarray, recipe: Recipe, groups: int = 1) -> tuple[Weights, Weights, float]:
    """Gradients by path, the moving statistics of each group (first axis), and the loss, for one batch of rows (n, f).

    Batch statistics are those of each contiguous group of rows. Gradients and loss are means over each group's rows and
    then over groups, which matters where groups are of unequal size.
    """
    if len(x) % groups:
        return _unequal(weights, x, y, recipe, groups)
    bits = recipe.bits
    linear = product(x, weights["hidden/kernel"], bits) + weights["hidden/bias"]
    mean, variance = moments(linear, groups)
    rows = len(x) // groups
    inverse = np.repeat(1.0 / np.sqrt(variance + np.asarray(recipe.epsilon, x.dtype)), rows, axis=0)
    normal = (linear - np.repeat(mean, rows, axis=0)) * inverse
    scaled = normal * weights["norm/gamma"] + weights["norm/beta"]
    hidden = np.maximum(scaled, 0)
    scale = np.asarray(recipe.logits, x.dtype)
    probability = softmax(scale * (product(hidden, weights["output/kernel"], bits) + weights["output/bias"]))
    loss = float(-np.log(np.maximum(probability[np.arange(len(y)), y], np.finfo(x.dtype).tiny)).mean())

    error = scale * (probability - np.eye(probability.shape[1], dtype=x.dtype)[y]) / np.asarray(len(y), x.dtype)
    through = product(error, weights["output/kernel"].T, bits) * (scaled > 0)
    scaled_normal = (through * weights["norm/gamma"]).reshape(groups, rows, -1)
    grouped = normal.reshape(groups, rows, -1)
    centred = scaled_normal - scaled_normal.mean(1, keepdims=True)
    centred -= grouped * (scaled_normal * grouped).mean(1, keepdims=True)
    inner = centred.reshape(linear.shape) * inverse
    gradients = {
        "hidden/kernel": product(x.T, inner, bits),
        "hidden/bias": inner.sum(0),
        "norm/gamma": (through * normal).sum(0),
        "norm/beta": through.sum(0),
        "output/kernel": product(hidden.T, error, bits),
        "output/bias": error.sum(0),
    }
    _, kept = moments(linear, groups, recipe.bessel)
    keep = np.asarray(recipe.momentum, x.dtype)
    moving = {
        "norm/moving_mean": weights["norm/moving_mean"] * keep + mean * (1 - keep),
        "norm/moving_variance": weights["norm/moving_variance"] * keep + kept * (1 - keep),
    }
    return gradients, moving, loss


def layers(weights: Weights, x: np.ndarray, recipe: Recipe, groups: int) -> tuple[Weights, Weights]:
    """What each layer returns for a batch of rows (n, f) in training, (n, units) each, and each group's batch
    statistics as its moving ones keep them, (groups, channels) each."""
    if len(x) % groups:
        return _unequal_layers(weights, x, recipe, groups)
    linear = product(x, weights["hidden/kernel"], recipe.bits) + weights["hidden/bias"]
    (mean, variance), rows = moments(linear, groups), len(x) // groups
    _, kept = moments(linear, groups, recipe.bessel)
    inverse = np.repeat(1.0 / np.sqrt(variance + np.asarray(recipe.epsilon, x.dtype)), rows, axis=0)
    scaled = (linear - np.repeat(mean, rows, axis=0)) * inverse * weights["norm/gamma"] + weights["norm/beta"]
    scale = np.asarray(recipe.logits, x.dtype)
    output = softmax(
        scale * (product(np.maximum(scaled, 0), weights["output/kernel"], recipe.bits) + weights["output/bias"])
    )
    statistics = {"norm/moving_mean": mean, "norm/moving_variance": kept}
    return {"hidden": linear, "norm": scaled, "output": output}, statistics


def _slices(rows: int, groups: int) -> list[slice]:
    """The rows of each group, where they do not divide."""
    sizes = shares(rows, groups)
    return [slice(int(end) - size, int(end)) for size, end in zip(sizes, np.cumsum(sizes), strict=True)]


def _unequal_layers(weights: Weights, x: np.ndarray, recipe: Recipe, groups: int) -> tuple[Weights, Weights]:
    parts = [layers(weights, x[rows], recipe, 1) for rows in _slices(len(x), groups)]
    outputs, statistics = ({name: np.concatenate([part[kind][name] for part in parts]) for name in parts[0][kind]}
                           for kind in (0, 1))  # fmt: skip
    return outputs, statistics


def _unequal(weights: Weights, x: np.ndarray, y: np.ndarray, recipe: Recipe, groups: int) -> tuple[Weights, Weights, float]:
    parts = []
    for index, rows in enumerate(_slices(len(x), groups)):
        own = {name: value[index] if name.startswith("norm/moving") else value for name, value in weights.items()}
        parts.append(step(own, x[rows], y[rows], recipe))
    gradients = {name: np.mean([part[0][name] for part in parts], axis=0, dtype=x.dtype) for name in parts[0][0]}
    moving = {name: np.concatenate([part[1][name] for part in parts]) for name in parts[0][1]}
    return gradients, moving, float(np.mean([part[2] for part in parts]))


def updated(weights: Weights, gradients: Weights, rate: float) -> Weights:
    """The weights after a step of SGD; what has no gradient stays."""
    return {name: value - np.asarray(rate, value.dtype) * gradients[name] if name in gradients else value
            for name, value in weights.items()}  # fmt: skip


def predict(weights: Mapping[str, np.ndarray], x: np.ndarray, epsilon: float, logits: float = 1.0) -> np.ndarray:
    """Probabilities (n, classes), with the moving statistics."""
    linear = x @ weights["hidden/kernel"] + weights["hidden/bias"]
    scale = weights["norm/gamma"] / np.sqrt(weights["norm/moving_variance"] + np.asarray(epsilon, x.dtype))
    hidden = np.maximum((linear - weights["norm/moving_mean"]) * scale + weights["norm/beta"], 0)
    return softmax(np.asarray(logits, x.dtype) * (hidden @ weights["output/kernel"] + weights["output/bias"]))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (n, classes), in the dtype of the logits."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    result: np.ndarray = powers / powers.sum(1, keepdims=True)
    return result
