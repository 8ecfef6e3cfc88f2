"""Normalizations of what flows through a model: by batch, layer, group, root mean square and length."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from suite.referee.definition import Answer, Array, Call, Definition, Undefined

# keras.config.epsilon(): what Keras adds to the number of elements that a mask lets through.
# The norm below which UnitNormalization divides by this instead of the norm.
SHORTEST = 1e-12


@dataclass(frozen=True, kw_only=True)
class Correction:
    """Batch renormalization's scale r and shift d, each (channels,)."""

    scale: Array
    shift: Array


def batch_normalization(asked: Call) -> Answer:
    """BatchNormalization: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, for each element of `axis`.

    In training, mean and variance are those of the batch over all other axes, sum (x - mean)² / count, without Bessel's
    correction; then moving = moving * momentum + statistic * (1 - momentum) for both. In inference, and if the layer is
    not trainable, they are the moving ones. A mask (one axis fewer than x) leaves out elements: count is then the number
    of the others, plus 1e-7.

    With `renorm`, training gives y = ((x - mean) / stddev * r + d) * gamma + beta, with stddev = sqrt(variance + epsilon),
    r = stddev / renorm_stddev within [rmin, rmax], d = (mean - renorm_mean) / renorm_stddev within [-dmax, dmax], and
    renorm_stddev at least sqrt(epsilon). Then renorm_mean and renorm_stddev move with `renorm_momentum`, moving_mean and
    moving_stddev with `momentum`, and moving_variance = max(moving_stddev² - epsilon, 0).

    Source: Ioffe and Szegedy 2015, algorithms 1 and 2; Ioffe 2017, "Batch renormalization", algorithm 1; Keras
    documentation, BatchNormalization.
    """
    return _batch_normalized(asked, _correction(asked) if _renormalizes(asked) else None)


def _batch_normalized(asked: Call, correction: Correction | None) -> Answer:
    (x,), config = asked.inputs, asked.config
    axis = config["axis"]
    mean, variance = _batch_statistics(asked) if _learns(asked) else _moving_statistics(asked)
    stddev = np.sqrt(variance + config["epsilon"])
    y = (x - _along(mean, x, [axis])) / _along(stddev, x, [axis])
    if correction is not None:
        y = y * _along(correction.scale, x, [axis]) + _along(correction.shift, x, [axis])
    return Answer(outputs=(_scaled(y, asked, [axis]),), state=_moved(asked, mean, variance) if _learns(asked) else {})


def _learns(asked: Call) -> bool:
    return asked.training and asked.config.get("trainable", True)


def _renormalizes(asked: Call) -> bool:
    return _learns(asked) and asked.config.get("renorm", False)


def _moving_statistics(asked: Call) -> tuple[Array, Array]:
    return asked.weights["moving_mean"], asked.weights["moving_variance"]


def _batch_statistics(asked: Call) -> tuple[Array, Array]:
    """Mean and variance of the batch, each (channels,)."""
    (x,), axis = asked.inputs, asked.config["axis"] % asked.inputs[0].ndim
    others = tuple(at for at in range(x.ndim) if at != axis)
    mask = asked.masks[0] if asked.masks else None
    if mask is None:
        return x.mean(axis=others), ((x - x.mean(axis=others, keepdims=True)) ** 2).mean(axis=others)
    counted = np.broadcast_to(mask.astype(bool)[..., np.newaxis], x.shape)
    count = counted.sum(axis=others) + asked.epsilon
    mean = np.where(counted, x, 0.0).sum(axis=others) / count
    squares = np.where(counted, (x - _along(mean, x, [axis])) ** 2, 0.0)
    return mean, squares.sum(axis=others) / count


def _moved(asked: Call, mean: Array, variance: Array) -> dict[str, Array]:
    """The new moving statistics."""
    weights, config = asked.weights, asked.config
    kept = config["momentum"]
    moved = {"moving_mean": weights["moving_mean"] * kept + mean * (1.0 - kept)}
    if not config.get("renorm", False):
        return moved | {"moving_variance": weights["moving_variance"] * kept + variance * (1.0 - kept)}
    stddev, kept_longer = np.sqrt(variance + config["epsilon"]), config["renorm_momentum"]
    moving_stddev = weights["moving_stddev"] * kept + stddev * (1.0 - kept)
    return moved | {
        "moving_stddev": moving_stddev,
        "moving_variance": np.maximum(moving_stddev**2 - config["epsilon"], 0.0),
        "renorm_mean": weights["renorm_mean"] * kept_longer + mean * (1.0 - kept_longer),
        "renorm_stddev": weights["renorm_stddev"] * kept_longer + stddev * (1.0 - kept_longer),
    }


def _correction(asked: Call) -> Correction:
    mean, variance = _batch_statistics(asked)
    epsilon, clipping = asked.config["epsilon"], asked.config.get("renorm_clipping") or {}
    lowest, highest, farthest = (_bound(clipping.get(name), default) for name, default in BOUNDS.items())
    stddev = np.maximum(asked.weights["renorm_stddev"], np.sqrt(epsilon))
    return Correction(
        scale=np.clip(np.sqrt(variance + epsilon) / stddev, lowest, highest),
        shift=np.clip((mean - asked.weights["renorm_mean"]) / stddev, -farthest, farthest),
    )


BOUNDS: Mapping[str, float] = {"rmin": 0.0, "rmax": np.inf, "dmax": np.inf}


def _bound(given: float | None, default: float) -> float:
    return default if given is None else given


def _hold_correction(asked: Call) -> Definition:
    """Batch normalization with the correction of this call: renormalization propagates no gradient through r and d."""
    correction = _correction(asked) if _renormalizes(asked) else None
    return lambda moved: _batch_normalized(moved, correction)


def layer_normalization(asked: Call) -> Answer:
    """LayerNormalization: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, over `axis`, for each other element.

    mean and variance are taken over the axes in `axis`; variance = sum (x - mean)² / count. gamma and beta have the shape
    of these axes, in ascending order. Source: Ba et al. 2016, equations 3 and 4; ONNX LayerNormalization.
    """
    if asked.config.get("rms_scaling"):
        raise Undefined("rms_scaling is deprecated, and Keras's documentation does not agree with what it does")
    (x,), axes = asked.inputs, _axes(asked)
    return Answer(outputs=(_scaled(_standardized(x, axes, asked.config["epsilon"]), asked, axes),))


def group_normalization(asked: Call) -> Answer:
    """GroupNormalization: y = (x - mean) / sqrt(variance + epsilon) * gamma + beta.

    The elements of `axis` are cut into `groups` equal parts; mean and variance are taken over each part and over all axes
    but the first; variance = sum (x - mean)² / count. `groups` = -1 makes each element a group. gamma and beta: (channels,).
    Source: Wu and He 2018, equations 1 to 7; ONNX GroupNormalization.
    """
    (x,), axis = asked.inputs, _one_axis(asked)
    groups = x.shape[axis] if asked.config["groups"] == -1 else asked.config["groups"]
    others, epsilon = tuple(range(1, x.ndim)), asked.config["epsilon"]
    y = np.concatenate([_standardized(part, others, epsilon) for part in np.split(x, groups, axis=axis)], axis=axis)
    return Answer(outputs=(_scaled(y, asked, [axis]),))


def rms_normalization(asked: Call) -> Answer:
    """RMSNormalization: y = x / sqrt(mean of x² over `axis` + epsilon) * scale; scale has the shape of the axes in `axis`.

    Source: Zhang and Sennrich 2019, equation 4; Keras documentation, RMSNormalization; ONNX RMSNormalization.
    """
    (x,), axes = asked.inputs, _axes(asked)
    y = x / np.sqrt((x**2).mean(axis=axes, keepdims=True) + asked.config["epsilon"])
    return Answer(outputs=(y * _along(asked.weights["scale"], x, axes),))


def unit_normalization(asked: Call) -> Answer:
    """UnitNormalization: y = x / max(sqrt(sum of x² over `axis`), 1e-12).

    Source: Keras documentation, UnitNormalization and `keras.ops.normalize`; ONNX LpNormalization.
    """
    (x,) = asked.inputs
    length = np.sqrt((x**2).sum(axis=_axes(asked), keepdims=True))
    return Answer(outputs=(x / np.maximum(length, SHORTEST),))


def spectral_normalization(asked: Call) -> Answer:
    """SpectralNormalization: the wrapped layer with its kernel W divided by an estimate of W's largest singular value.

    W is the kernel (or the embeddings) as a matrix (all other axes, last axis), u is vector_u. In training,
    `power_iterations` times v = u Wᵀ / |u Wᵀ| and u = v W / |v W|; then sigma = v W uᵀ, and the kernel becomes
    W / sigma and vector_u becomes u, before the layer is called. A kernel of zeros stays, and u too. In inference the
    layer is called as it is. The vectors are constants for the gradient.
    Source: Miyato et al. 2018, algorithm 1 and section 2.1; Keras documentation, SpectralNormalization.
    """
    return _spectrally_normalized(asked, _singular_vectors(asked) if asked.training else None)


def _spectrally_normalized(asked: Call, vectors: tuple[Array, Array] | None) -> Answer:
    from suite.referee.layers import call  # the wrapped layer may be any of the table that this module is part of

    layer = asked.config["layer"]
    within = layer["config"]["name"] + "/"
    state: dict[str, Array] = {}
    if vectors is not None:
        left, right = vectors
        name, kernel = _normalized_weight(asked)
        sigma = left @ kernel.reshape(-1, kernel.shape[-1]) @ right
        state = {name: kernel / sigma, "vector_u": right[np.newaxis]} if kernel.any() else {}
    weights = {**asked.weights, **state}
    answer = call(
        Call(
            layer=layer["class_name"],
            config=layer["config"],
            inputs=asked.inputs,
            # A wrapper that holds the kernel itself owns it under its bare name.
            weights={name.removeprefix(within): value for name, value in weights.items() if name != "vector_u"},
            training=asked.training,
        )
    )
    return Answer(outputs=answer.outputs, state={within + name: value for name, value in answer.state.items()} | state)


def _normalized_weight(asked: Call) -> tuple[str, Array]:
    for name, value in asked.weights.items():
        if name.rsplit("/", maxsplit=1)[-1] in ("kernel", "embeddings"):
            return name, value
    raise Undefined("the layer that it wraps has neither a kernel nor embeddings")


def _singular_vectors(asked: Call) -> tuple[Array, Array]:
    """v and u after the iterations."""
    _, kernel = _normalized_weight(asked)
    matrix = kernel.reshape(-1, kernel.shape[-1])
    right = asked.weights["vector_u"][0]
    left = np.zeros(matrix.shape[0])
    for _ in range(asked.config["power_iterations"]):
        left = _unit(matrix @ right)
        right = _unit(left @ matrix)
    return left, right


def _unit(vector: Array) -> Array:
    length = np.sqrt((vector**2).sum())
    return vector / length if length > 0.0 else vector


def _hold_vectors(asked: Call) -> Definition:
    """Spectral normalization with the singular vectors of this call."""
    vectors = _singular_vectors(asked) if asked.training else None
    return lambda moved: _spectrally_normalized(moved, vectors)


def _standardized(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    """(x - mean) / sqrt(variance + epsilon), both over these axes."""
    centered = x - x.mean(axis=axes, keepdims=True)
    return np.asarray(centered / np.sqrt((centered**2).mean(axis=axes, keepdims=True) + epsilon))


def _axes(asked: Call) -> tuple[int, ...]:
    """The axes that the configuration names, counted from the front, ascending."""
    axis, count = asked.config["axis"], asked.inputs[0].ndim
    return tuple(sorted(at % count for at in ([axis] if isinstance(axis, int) else axis)))


def _one_axis(asked: Call) -> int:
    axes = _axes(asked)
    if len(axes) != 1:
        raise Undefined(f"it normalizes over the axes {axes}, and one axis is defined")
    return axes[0]


def _along(vector: Array, x: Array, axes: Sequence[int]) -> Array:
    """A weight with the shape of some axes of `x`, ready to be broadcast over the others."""
    axes = sorted(axis % x.ndim for axis in axes)
    if vector.shape != tuple(x.shape[axis] for axis in axes):
        raise Undefined(f"a weight of shape {vector.shape} is not of the shape of the axes {axes} of an input {x.shape}")
    return vector.reshape([x.shape[axis] if axis in axes else 1 for axis in range(x.ndim)])


def _scaled(y: Array, asked: Call, axes: Sequence[int]) -> Array:
    if asked.config["scale"]:
        y = y * _along(asked.weights["gamma"], y, axes)
    if asked.config["center"]:
        y = y + _along(asked.weights["beta"], y, axes)
    return y


LAYERS: Mapping[str, Definition] = {
    "BatchNormalization": batch_normalization,
    "LayerNormalization": layer_normalization,
    "GroupNormalization": group_normalization,
    "RMSNormalization": rms_normalization,
    "UnitNormalization": unit_normalization,
    "SpectralNormalization": spectral_normalization,
}
HELD: Mapping[str, Callable[[Call], Definition]] = {
    "BatchNormalization": _hold_correction,
    "SpectralNormalization": _hold_vectors,
}
