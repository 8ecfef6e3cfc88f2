"""Distances of batch normalizations: moving statistics, and layers folded into their kernels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from suite.compare.metrics.blocks import TINY, Array, Arrays, in_blocks, norms_of, ratio, same_shape
from suite.records import BatchNorm


def _plus_epsilon(variance: Array, epsilon: float) -> Array:
    """V + ε, with V clipped at 0: a one-pass variance can be negative. NaN where V is not finite."""
    variance = variance.astype(np.float64)
    positive: Array = np.where(np.isfinite(variance), np.maximum(np.maximum(variance, 0.0) + epsilon, TINY), np.nan)
    return positive


def mean(a: Array, b: Array, variance: Array, epsilon: float) -> float:
    """Moving or batch means (channels,): max |Δμ| / sqrt(V + ε), over channels, V clipped at 0.

    Symmetric if `variance` (channels,) is: the larger of both sides'.
    """
    same_shape(a, b, variance)
    apart = np.abs(a.astype(np.float64) - b.astype(np.float64)) / np.sqrt(_plus_epsilon(variance, epsilon))
    return float(apart.max(initial=0.0))


def var(a: Array, b: Array, epsilon: float) -> float:
    """Moving or batch variances (channels,): max |ΔV| / (V + ε), over channels, V the larger side's, clipped at 0."""
    same_shape(a, b)
    first, second = a.astype(np.float64), b.astype(np.float64)
    return float((np.abs(first - second) / _plus_epsilon(np.maximum(first, second), epsilon)).max(initial=0.0))


def folded(a: Arrays, b: Arrays, norms: Iterable[BatchNorm]) -> float:
    """All tensors by name: ‖f(a)-f(b)‖ / max(‖f(a)‖, ‖f(b)‖), f folds BN into its kernel and bias, of all BN together.

    s = γ / sqrt(V + ε); f is kernel · s along the kernel's channel axis, and (bias - μ) · s + β. Without a kernel, f is
    s and β - μ · s. Free of the bias before a batch normalization and of the scale that kernel and statistics trade.
    """
    return ratio(*norms_of(block for norm in norms for block in _folded(a, b, norm)))


def _folded(a: Arrays, b: Arrays, norm: BatchNorm) -> Iterator[tuple[Array, ...]]:
    (scale, shift), (other_scale, other_shift) = _fold(a, norm), _fold(b, norm)
    yield from in_blocks(shift, other_shift)
    if not norm.kernel:
        yield from in_blocks(scale, other_scale)
        return
    kernels = a[norm.kernel], b[norm.kernel]
    scales = [_along(s, kernel, norm) for s, kernel in zip((scale, other_scale), kernels, strict=True)]
    for x, y, s, t in in_blocks(*kernels, *scales):
        yield x * s, y * t


def _along(scale: Array, kernel: Array, norm: BatchNorm) -> Array:
    """(channels,) seen with the kernel's shape, without a copy."""
    if not -kernel.ndim <= norm.axis < kernel.ndim or kernel.shape[norm.axis] != scale.size:
        raise ValueError(
            f"got {norm.kernel} of shape {kernel.shape} for the {scale.size} channels of {norm.name}, wanted as many "
            f"along axis {norm.axis}: name the kernel's channel axis, or no kernel"
        )
    shape = [1] * kernel.ndim
    shape[norm.axis] = scale.size
    return np.broadcast_to(scale.reshape(shape), kernel.shape)


def _fold(side: Arrays, norm: BatchNorm) -> tuple[Array, Array]:
    """Scale and shift (channels,), float64, of the batch normalization and the bias before it."""
    names = (norm.variance, norm.mean, norm.gamma, norm.beta, norm.bias)
    if missing := [name for name in (*names, norm.kernel) if name and name not in side]:
        raise ValueError(f"got no {missing[0]}, wanted every tensor of {norm.name}: pass all tensors of the model")
    same_shape(*(side[name] for name in names if name))
    gamma, beta, bias = (side[name].astype(np.float64) if name else None for name in names[2:])
    scale: Array = (1.0 if gamma is None else gamma) / np.sqrt(_plus_epsilon(side[norm.variance], norm.epsilon))
    shift: Array = ((0.0 if bias is None else bias) - side[norm.mean].astype(np.float64)) * scale
    return scale, shift if beta is None else shift + beta
