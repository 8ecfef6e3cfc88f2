"""What all losses do around their formula: ranks before it; masks, weights and the reduction after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suite.referee.definition import Array, Undefined

MEANS = ("sum_over_batch_size", "mean")


@dataclass(frozen=True, kw_only=True)
class Values:
    """The values of a loss before reduction. `counted`: of the same shape, which of them count; None if all do."""

    each: Array
    counted: Array | None = None


def same_rank(first: Array, second: Array) -> tuple[Array, Array]:
    """Both arrays, with a last dimension of 1 added or removed where their ranks differ by one.

    (n,) and (n, 1) become (n, 1); (n, ..., 1) and (n, ...) become (n, ...). Other shapes stay as they are.
    """
    if first.ndim == second.ndim + 1 and first.shape[-1] == 1:
        return (first, second[:, None]) if second.ndim == 1 else (first[..., 0], second)
    if second.ndim == first.ndim + 1 and second.shape[-1] == 1:
        return (first[:, None], second) if first.ndim == 1 else (first, second[..., 0])
    return first, second


def reduced(values: Values, weight: Array | None, mask: Array | None, reduction: str | None) -> Array:
    """The loss: a scalar (float64, without dimensions), or the weighted values if nothing is reduced.

    With values v, weights w (1 if there are none), and c for those that count (by the loss itself and by the mask):

    - "sum": Σ v · w · c;
    - "sum_over_batch_size", "mean": Σ v · w · c / (number that count), where weights change no denominator;
    - "mean_with_sample_weight": Σ v · w · c / Σ w · c;
    - None, "none": v · w · c.

    A denominator of 0 gives 0. Source: Keras documentation, Loss (`reduction`) and the guide on masking; the documentation
    of `fit` for weights with one dimension less than the values: one weight for each row.
    """
    counted, factors = _both(values.counted, mask), None if weight is None else np.asarray(weight, dtype=np.float64)
    if counted is not None:
        factors = _counted_weights(counted, factors, reduction)
    if factors is None:
        return _divided(values.each, float(values.each.size), reduction)
    weighted = _weighted(*same_rank(values.each, factors))
    total = float(factors.sum()) if reduction == "mean_with_sample_weight" else float(weighted.size)
    return _divided(weighted, total, reduction)


def _both(first: Array | None, second: Array | None) -> Array | None:
    if first is None or second is None:
        return first if second is None else second
    return np.asarray(np.asarray(first, dtype=bool) & np.asarray(second, dtype=bool))


def _counted_weights(counted: Array, weight: Array | None, reduction: str | None) -> Array:
    """The weights where `counted`, else 0. For a mean over the values that count, those are larger by the part of the
    values that does not: the denominator is the number of all values."""
    valid = int(np.count_nonzero(counted))
    scale = counted.size / max(valid, 1) if reduction in MEANS else 1.0
    factors = np.where(counted, scale, 0.0)
    if weight is None:
        return factors
    first, second = _over_rows(*same_rank(factors, weight))
    return np.asarray(first * second)


def _weighted(each: Array, factors: Array) -> Array:
    """The values times their weights. One value for the whole batch is repeated for each weight.

    Raises:
        Undefined: the weights have dimensions that the values lack.
    """
    if factors.ndim > each.ndim > 0:
        raise Undefined(
            f"weights or a mask of shape {factors.shape} have more dimensions than losses of shape {each.shape}; "
            "versions of Keras differ in what they do with them"
        )
    first, second = _over_rows(each, factors)
    return np.asarray(first * second)


def _over_rows(first: Array, second: Array) -> tuple[Array, Array]:
    """Both arrays, the one with fewer dimensions with dimensions of 1 added at its end.

    Raises:
        Undefined: their shapes then do not fit.
    """
    dimensions = max(first.ndim, second.ndim)
    wide = [array.reshape(array.shape + (1,) * (dimensions - array.ndim)) for array in (first, second)]
    if any(mine != theirs and 1 not in (mine, theirs) for mine, theirs in zip(*(each.shape for each in wide), strict=True)):
        raise Undefined(
            f"values, weights or a mask of the shapes {first.shape} and {second.shape} do not fit; "
            "weights and a mask must have the first dimensions of the values"
        )
    return wide[0], wide[1]


def _divided(values: Array, denominator: float, reduction: str | None) -> Array:
    if reduction in (None, "none") or values.ndim == 0:
        return np.asarray(values)
    total = np.sum(values)
    if reduction == "sum":
        return np.asarray(total)
    return np.asarray(total / denominator if denominator else 0.0)
