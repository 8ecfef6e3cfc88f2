"""What backends lack in double precision on a CPU, computed with the same mathematics in another way. In float64 runs only.

Each replacement is limited to what fails without it, and only moves data: it transposes, copies, or reduces slices. So a
float64 run shows every defect that its float32 run shows.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import numpy as np

from suite.runner import keras_versions


def provide() -> None:
    """Replaces what this process's backend lacks. Looks for each function, for versions of Keras differ."""
    import keras

    PROVIDERS.get(keras.backend.backend(), lambda: None)()


# ---------------------------------------------------------------- torch


def _torch() -> None:
    """The gradient of a convolution (torch 2.13) refuses a kernel whose strides are not those of its shape, as where
    Keras permutes one that has one filter, or, transposed, one input channel: "grad_weight must be contiguous"
    (https://github.com/pytorch/vision/issues/6001). Such a kernel counts as contiguous, so it is cloned."""
    import torch
    from torch.nn import functional

    def copying(convolve: Callable[..., Any]) -> Callable[..., Any]:
        def convolved(inputs: Any, weight: Any, *args: Any, **kwargs: Any) -> Any:
            if weight.dtype == torch.float64 and 1 in weight.shape[:2]:
                weight = weight.clone(memory_format=torch.contiguous_format)
            return convolve(inputs, weight, *args, **kwargs)

        return convolved

    for name in ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"):
        setattr(functional, name, copying(getattr(functional, name)))


# ---------------------------------------------------------------- JAX

NARROW = {"int64": "int32", "uint64": "uint32"}


def _jax() -> None:
    """JAX has integers of 64 bits only where it has float64: in the user's runs, what is cast to one has 32, and a product
    of identifiers overflows. It does so here, too."""
    import jax

    core = keras_versions.backend_module("core")
    own = core.convert_to_tensor

    def convert_to_tensor(x: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        made = own(x, NARROW.get(str(dtype), dtype), *args, **kwargs)
        wide = dtype is None and isinstance(x, np.ndarray) and str(x.dtype) in NARROW
        return jax.numpy.asarray(made).astype(NARROW[str(x.dtype)]) if wide else made

    def cast(x: Any, dtype: Any) -> Any:
        return convert_to_tensor(x, dtype=dtype)

    _everywhere(core.cast, cast)
    _everywhere(own, convert_to_tensor)


def as_users_have_it(array: np.ndarray) -> np.ndarray:
    """What the backend makes of the user's integers: JAX takes the lower 32 bits of each."""
    import keras

    narrow = NARROW.get(str(array.dtype))
    return array.astype(narrow) if narrow and keras.backend.backend() == "jax" else array


# ---------------------------------------------------------------- TensorFlow


def _tensorflow() -> None:
    import tensorflow as tf

    nn = keras_versions.backend_module("nn")
    _exact_casts()
    _exact_numbers()
    _exact_leaky_relu(nn)
    tf.math.in_top_k = _in_top_k(tf.math.in_top_k)
    if tf.config.list_logical_devices("GPU"):
        return
    for name in ("conv", "conv_transpose"):
        setattr(nn, name, _channels_last(getattr(nn, name)))
    pools = {"MAX": _pooled(tf.nn.max_pool, False, tf.maximum), "AVG": _pooled(tf.nn.avg_pool, True, tf.add)}
    tf.nn.max_pool, tf.nn.avg_pool, tf.nn.pool = pools["MAX"], pools["AVG"], _any_pool(tf.nn.pool, pools)


def _exact_casts() -> None:
    """Keras casts a Python float by way of a float32 tensor: `ops.cast(0.96, "float64")` is 2e-8 off."""
    import tensorflow as tf

    own = keras_versions.backend_module("core").cast

    def cast(x: Any, dtype: Any) -> Any:
        return tf.constant(x, dtype) if isinstance(x, float) and str(dtype) == "float64" else own(x, dtype)

    _everywhere(own, cast)


def _exact_numbers() -> None:
    """A Python float becomes a float32 tensor where nobody names a type: the logarithm of 2 is 1e-9 off then, and a factor
    does not multiply float64 (`OrthogonalRegularizer`)."""
    own = keras_versions.backend_module("core").convert_to_tensor

    def convert_to_tensor(x: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        return own(x, "float64" if dtype is None and isinstance(x, float) else dtype, *args, **kwargs)

    _everywhere(own, convert_to_tensor)


def _in_top_k(own: Callable[..., Any]) -> Callable[..., Any]:
    """There is no such kernel: "InTopKV2 … predictions: double". A target is among the first k of its row if fewer than k
    predictions are larger, and its own is finite; one that is no class is not (documentation of `tf.math.in_top_k`)."""
    import tensorflow as tf

    def in_top_k(targets: Any, predictions: Any, k: Any, name: str | None = None) -> Any:
        predictions = tf.convert_to_tensor(predictions)
        if predictions.dtype != tf.float64:
            return own(targets, predictions, k, name)
        targets = tf.cast(targets, tf.int64)
        is_class = (targets >= 0) & (targets < tf.shape(predictions, tf.int64)[1])
        target = tf.gather(predictions, tf.where(is_class, targets, tf.zeros_like(targets)), batch_dims=1)
        larger = tf.reduce_sum(tf.cast(predictions > target[:, None], tf.int64), axis=1)
        return is_class & (larger < tf.cast(k, tf.int64)) & tf.math.is_finite(target)

    return in_top_k


def _everywhere(own: Any, replacement: Any) -> None:
    """In every module of Keras's backend that has imported the function by its name."""
    for name, module in list(sys.modules.items()):
        if name.startswith("keras.src.backend") and module is not None:
            for attribute in [key for key, value in vars(module).items() if value is own]:
                setattr(module, attribute, replacement)


def _exact_leaky_relu(nn: Any) -> None:
    """TensorFlow's kernel keeps the slope as float32: a slope of 0.3 is 1e-8 off."""
    import tensorflow as tf

    def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
        x = tf.convert_to_tensor(x)
        return tf.where(x > 0, x, tf.constant(negative_slope, x.dtype) * x)

    nn.leaky_relu = leaky_relu


def _channels_last(convolve: Callable[..., Any]) -> Callable[..., Any]:
    """There is no such kernel for channels_first on a CPU, nor one of its gradients: "only supports NHWC"
    (https://github.com/tensorflow/tensorflow/issues/60195). What is added to the output afterwards, as a bias, is added
    to an output in the given layout, as ever."""
    import keras
    import tensorflow as tf

    signature = inspect.signature(convolve)

    def convolved(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs).arguments
        inputs, layout = given["inputs"], given.get("data_format") or keras.config.image_data_format()
        if layout != "channels_first" or inputs.dtype != tf.float64:
            return convolve(*args, **kwargs)
        moved = tf.transpose(inputs, (0, *range(2, len(inputs.shape)), 1))
        made = convolve(**given | {"inputs": moved, "data_format": "channels_last"})
        return tf.transpose(made, (0, len(made.shape) - 1, *range(1, len(made.shape) - 1)))

    return convolved


def _pooled(pool: Callable[..., Any], averages: bool, reduce: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """There is no kernel for pooling three dimensions: "No OpKernel was registered to support Op 'AvgPool3D'". It is made
    of strided slices, one for each place in the window; Keras gives the layout channels_last always."""
    import tensorflow as tf

    def pooled(inputs: Any, size: Any, strides: Any, padding: str, data_format: str) -> Any:
        if len(inputs.shape) != 5 or inputs.dtype != tf.float64 or None in inputs.shape[1:4]:
            return pool(inputs, size, strides, padding, data_format)
        sizes, steps = (([one] * 3 if isinstance(one, int) else list(one))[-3:] for one in (size, strides))
        lengths = [int(length) for length in inputs.shape[1:4]]
        counts = [_count(*one, padding) for one in zip(lengths, sizes, steps, strict=True)]
        pads = [_padding(*one) for one in zip(lengths, counts, sizes, steps, strict=True)]
        around = [(0, 0), *pads, (0, 0)]
        filled = tf.pad(inputs, around, constant_values=0.0 if averages else float(inputs.dtype.min))
        total = _windows(filled, counts, sizes, steps, reduce)
        if not averages:
            return total
        ones = tf.pad(tf.ones([1, *lengths, 1], inputs.dtype), around)
        return total / _windows(ones, counts, sizes, steps, reduce)  # padding does not count

    return pooled


def _any_pool(pool: Callable[..., Any], pools: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """The function that says in an argument how it pools; Keras names all of its arguments."""

    def pooled(input: Any, window_shape: Any, pooling_type: str, strides: Any, padding: str, **kwargs: Any) -> Any:
        if len(input.shape) == 5:
            return pools[pooling_type](input, window_shape, strides, padding, kwargs.get("data_format", "NDHWC"))
        return pool(input, window_shape, pooling_type, strides=strides, padding=padding, **kwargs)

    return pooled


def _count(length: int, size: int, step: int, padding: str) -> int:
    return -(-length // step) if padding == "SAME" else -(-(length - size + 1) // step)


def _padding(length: int, count: int, size: int, step: int) -> tuple[int, int]:
    """In front and behind: as much as the last window needs, and the odd one behind."""
    total = max((count - 1) * step + size - length, 0)
    return total // 2, total - total // 2


def _windows(values: Any, counts: list[int], sizes: list[int], steps: list[int], reduce: Callable[[Any, Any], Any]) -> Any:
    made = None
    for place in product(*(range(size) for size in sizes)):
        spans = [slice(begin, begin + (count - 1) * step + 1, step)
                 for begin, count, step in zip(place, counts, steps, strict=True)]  # fmt: skip
        part = values[:, spans[0], spans[1], spans[2], :]
        made = part if made is None else reduce(made, part)
    return made


PROVIDERS: dict[str, Callable[[], None]] = {"torch": _torch, "jax": _jax, "tensorflow": _tensorflow}
