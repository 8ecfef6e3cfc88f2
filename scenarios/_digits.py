"""Real data for scenarios: scikit-learn's bundled digits, 1,797 images of 8 x 8, resized without further packages."""

from __future__ import annotations

import numpy as np

from suite import Data

TRAIN_ROWS = 1280
PREDICT_ROWS = 256


def images(size: int, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Images (1797, size, size, channels), float32 in 0..1, bilinear from 8 x 8; labels (1797,), int32."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = digits.images.astype(np.float64) / 16.0
    weights = _bilinear(8, size)
    resized = np.einsum("ip,npq,jq->nij", weights, pixels, weights)[..., None]
    return np.repeat(resized, channels, axis=3).astype(np.float32), digits.target.astype(np.int32)


def _bilinear(source: int, target: int) -> np.ndarray:
    """The matrix (target, source) that interpolates linearly between pixel centres; rows sum to 1."""
    centres = np.clip((np.arange(target) + 0.5) * source / target - 0.5, 0, source - 1)
    left = np.minimum(centres.astype(int), source - 2)
    right = centres - left
    matrix = np.zeros((target, source))
    matrix[np.arange(target), left] = 1.0 - right
    matrix[np.arange(target), left + 1] += right
    return matrix


def split(x: np.ndarray, y: np.ndarray, rows: int = TRAIN_ROWS, predict: int = PREDICT_ROWS) -> tuple[np.ndarray, ...]:
    """(training rows, their labels, other rows to predict on)."""
    return x[:rows], y[:rows], x[rows : rows + predict]


def evaluated(x: np.ndarray, y: np.ndarray) -> Data:
    """The first rows to train on, and the next ones to predict and to evaluate."""
    other = slice(TRAIN_ROWS, TRAIN_ROWS + PREDICT_ROWS)
    return Data(x=x[:TRAIN_ROWS], y=y[:TRAIN_ROWS], predict=x[other], evaluate=(x[other], y[other]))
