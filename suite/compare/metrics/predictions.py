"""Distances of predictions (rows, ..., classes)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from suite.compare.metrics.blocks import BLOCK, TINY, Array, same_shape
from suite.compare.metrics.elements import max_abs

FLUSHED = float(np.finfo(np.float32).tiny)  # smaller probabilities are 0 in some kernels: their logarithms say nothing


def softmax(logits: Array) -> Array:
    """Probabilities, float64, of logits along the last axis: exp(z - max z) / Σ exp(z - max z).

    One column z stands for two classes (0, z), whose probabilities are two columns.
    """
    if logits.shape[-1:] == (1,):
        logits = np.concatenate([np.zeros_like(logits), logits], axis=-1)
    result = np.empty(logits.shape)
    done = 0
    for (x,) in _rows(logits):
        powers = np.exp(x - x.max(axis=1, keepdims=True))
        result.reshape(-1, logits.shape[-1])[done : done + len(x)] = powers / powers.sum(axis=1, keepdims=True)
        done += len(x)
    return result


def _rows(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Predictions as float64 blocks (rows, classes). One column p stands for two classes, (1-p, p).

    Raises:
        ValueError: the shapes differ, or are not (rows, ..., classes).
    """
    same_shape(*arrays)
    shape = arrays[0].shape
    if len(shape) < 2 or not shape[-1]:
        raise ValueError(f"got predictions of shape {shape}, wanted (rows, classes): declare others as values")
    flat = [array.reshape(-1, shape[-1]) for array in arrays]
    step = max(1, BLOCK // shape[-1])
    for start in range(0, len(flat[0]), step):
        block = tuple(one[start : start + step].astype(np.float64) for one in flat)
        yield block if shape[-1] > 1 else tuple(np.concatenate([1.0 - x, x], axis=1) for x in block)


def pmax(p: Array, q: Array) -> float:
    """Probabilities (rows, ..., classes): max |p-q|, over rows and classes."""
    return max_abs(p, q)


def tv(p: Array, q: Array) -> float:
    """Probabilities (rows, ..., classes): mean over rows of Σ|p-q| / 2, the total variation distance."""
    count, total = 0, 0.0
    for x, y in _rows(p, q):
        count, total = count + len(x), total + float(np.abs(x - y).sum()) / 2
    return total / count if count else 0.0


def js(p: Array, q: Array) -> float:
    """Probabilities (rows, ..., classes): mean over rows of KL(p‖m)/2 + KL(q‖m)/2, m = (p+q)/2, in nats; at most ln 2.

    As Σ m (u artanh u + ln(1-u²)/2) with u = (p-q)/(p+q): the same, and it keeps its digits where p and q nearly agree.
    """
    count, total = 0, 0.0
    for x, y in _rows(p, q):
        both = x + y
        u = np.clip((x - y) / np.maximum(both, TINY), -1.0 + 2.0**-53, 1.0 - 2.0**-53)
        count, total = count + len(x), total + float((both / 2 * (u * np.arctanh(u) + np.log1p(-u * u) / 2)).sum())
    return total / count if count else 0.0


def churn(p: Array, q: Array) -> tuple[float, float]:
    """Probabilities (rows, ..., classes): two shares; NaN if an element is not finite, (0, 1) without rows.

    First: share of rows whose largest class changed. Second, "explained" in METRICS:
    share of changed rows with margin <= 2 max |Δ log p| over the unchanged rows. The margin is the larger of the two
    sides' log p of their largest class minus log p of the other's. Measured by the changed row itself it would always
    hold. Log-probabilities stand for logits, which differ from them by a constant per row.
    """
    rows, reach, margins = 0, 0.0, [np.empty(0)]
    for x, y in _rows(p, q):
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            return math.nan, math.nan
        first, second = np.log(np.maximum(x, FLUSHED)), np.log(np.maximum(y, FLUSHED))
        before, after, each = x.argmax(axis=1), y.argmax(axis=1), np.arange(len(x))
        margin = np.maximum(first[each, before] - first[each, after], second[each, after] - second[each, before])
        margins.append(margin[before != after])
        reach = max(reach, float(np.abs(first - second)[before == after].max(initial=0.0)))
        rows += len(x)
    changed = np.concatenate(margins)
    explained = float((changed <= 2 * reach).mean()) if changed.size else 1.0
    return (changed.size / rows if rows else 0.0), explained
