"""Definitions of functions of `keras.ops`. Keras documents most of them as NumPy's function of the same name, and that is
the definition; the others are activation functions.

A call has all that the function takes in its `arguments`, by the names of Keras's parameters: {"input": place} stands for
the input tensor at this place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from suite.referee.activations import ACTIVATIONS, gelu, log_softmax
from suite.referee.definition import Answer, Array, Call, Definition, Undefined

PREFIX = "keras.ops."


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A function of NumPy. `given`: Keras's names of the parameters that it takes by position. `options`: Keras's name of an
    option -> NumPy's name."""

    function: Callable[..., Any]
    given: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, asked: Call) -> Answer:
        """Source: Keras, `keras.ops`; NumPy, the function of the same name.

        Raises:
            Undefined: the call has an argument that NumPy's function does not take.
        """
        arguments = {name: _value(asked, value) for name, value in asked.arguments.items() if value is not None}
        if unknown := arguments.keys() - {*self.given, *self.options}:
            raise Undefined(f"{asked.layer} with {', '.join(sorted(unknown))}")
        if missing := [name for name in self.given if name not in arguments]:
            raise Undefined(f"{asked.layer} without {', '.join(missing)}")
        options = {self.options[name]: value for name, value in arguments.items() if name in self.options}
        with np.errstate(all="ignore"):  # what overflows in the call overflows in its definition
            made = self.function(*(arguments[name] for name in self.given), **options)
        return Answer(outputs=tuple(map(np.asarray, made if isinstance(made, list | tuple) else [made])))


def _value(asked: Call, value: Any) -> Any:
    """What stands for a tensor, as this one; lists as tuples, as NumPy takes axes and shapes."""
    if isinstance(value, Mapping):
        return asked.inputs[value["input"]]
    return tuple(_value(asked, one) for one in value) if isinstance(value, list) else value


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def _logsumexp(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """log(sum(exp(x))). Source: Keras, `ops.logsumexp`."""
    largest = np.max(x, axis=axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)
    found: Array = np.log(np.sum(np.exp(x - largest), axis=axis, keepdims=True)) + largest
    return found if keepdims else np.squeeze(found, axis=axis)


def _gelu(x: Array, approximate: bool = True) -> Array:
    """Approximate, if nothing else is asked for: other than `activations.gelu`. Source: Keras, `ops.gelu`."""
    return gelu(x, approximate)


def _categorical(target: Array, output: Array, from_logits: bool = False, axis: int = -1) -> Array:
    """-sum(target * log_softmax(logits)). Source: Keras, `ops.categorical_crossentropy`.

    Raises:
        Undefined: of probabilities, which Keras clips in ways of its own.
    """
    if not from_logits:
        raise Undefined("crossentropy of probabilities")
    return np.asarray(-np.sum(target * log_softmax(output, axis), axis=axis))


def _binary(target: Array, output: Array, from_logits: bool = False) -> Array:
    """max(z, 0) - z t + log(1 + exp(-|z|)). Source: Keras, `ops.binary_crossentropy`.

    Raises:
        Undefined: as above.
    """
    if not from_logits:
        raise Undefined("crossentropy of probabilities")
    return np.asarray(np.maximum(output, 0.0) - output * target + np.log1p(np.exp(-np.abs(output))))


def _scatter_update(inputs: Array, indices: Array, updates: Array, reduction: str | None = None) -> Array:
    """A copy with other numbers at these places, one after another: of two at one place, the later stays.
    `indices`: (updates, axes that they index). Source: Keras, `ops.scatter_update`.

    Raises:
        Undefined: a reduction that is not known, or indices of more axes, which Keras does not describe.
    """
    if np.ndim(indices) != 2:
        raise Undefined(f"keras.ops.scatter_update with indices of {np.ndim(indices)} axes")
    ways = {None: None, "add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
    if reduction not in ways:
        raise Undefined(f"keras.ops.scatter_update with reduction {reduction}")
    made, way = np.array(inputs), ways[reduction]
    for place, update in zip(np.asarray(indices), updates, strict=True):
        made[tuple(place)] = update if way is None else way(made[tuple(place)], update)
    return made


def _slice_update(inputs: Array, start_indices: Any, updates: Array) -> Array:
    """A copy with `updates` from these places on. Source: Keras, `ops.slice_update`."""
    made, starts = np.array(inputs), np.asarray(start_indices)
    made[tuple(slice(start, start + size) for start, size in zip(starts, np.shape(updates), strict=True))] = updates
    return made


def _segment_sum(data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False) -> Array:
    """The sum of the rows of each segment, in any order. Source: Keras, `ops.segment_sum`.

    Raises:
        Undefined: a segment that is none, which Keras does not describe.
    """
    if np.min(segment_ids) < 0 or (num_segments and np.max(segment_ids) >= num_segments):
        raise Undefined("keras.ops.segment_sum of segments that are out of range")
    made = np.zeros((num_segments or int(np.max(segment_ids)) + 1, *np.shape(data)[1:]))
    np.add.at(made, segment_ids, data)
    return made


ONE = {
    name: getattr(np, name)
    for name in ("abs", "absolute", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctanh", "cbrt", "ceil", "cos",
                 "cosh", "deg2rad", "exp", "exp2", "expm1", "floor", "log", "log10", "log1p", "log2", "negative", "rad2deg",
                 "ravel", "reciprocal", "sign", "sin", "sinc", "sinh", "sqrt", "square", "tan", "tanh", "trunc")
}  # fmt: skip
TWO = {
    name: getattr(np, name)
    for name in ("add", "arctan2", "divide", "dot", "floor_divide", "fmod", "hypot", "inner", "kron", "logaddexp", "matmul",
                 "maximum", "minimum", "mod", "multiply", "outer", "power", "subtract", "true_divide", "vdot")
}  # fmt: skip
OVER_AXES = {
    name: getattr(np, name) for name in ("amax", "amin", "max", "mean", "median", "min", "prod", "ptp", "std", "sum", "var")
}
ALONG = {name: getattr(np, name) for name in ("cumprod", "cumsum", "flip", "sort", "squeeze")}
ACTIVATED = ("hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "log_sigmoid", "relu", "relu6", "selu", "sigmoid",
             "silu", "softplus", "softsign", "sparsemax", "swish")  # fmt: skip
RULES: Mapping[str, Rule] = {
    **{name: Rule(function=function, given=("x",)) for name, function in ONE.items()},
    **{name: Rule(function=function, given=("x1", "x2")) for name, function in TWO.items()},
    **{name: Rule(function=one, given=("x",), options=_same("axis", "keepdims")) for name, one in OVER_AXES.items()},
    **{name: Rule(function=function, given=("x",), options=_same("axis")) for name, function in ALONG.items()},
    **{name: Rule(function=ACTIVATIONS[name], given=("x",)) for name in ACTIVATED},
    **{name: Rule(function=ACTIVATIONS[name], given=("x",), options=_same("axis")) for name in ("log_softmax", "softmax")},
    **{name: Rule(function=ACTIVATIONS[name], given=("x",), options=_same("alpha")) for name in ("celu", "elu")},
    "binary_crossentropy": Rule(function=_binary, given=("target", "output"), options=_same("from_logits")),
    "categorical_crossentropy": Rule(
        function=_categorical, given=("target", "output"), options=_same("from_logits", "axis")
    ),
    "average": Rule(function=np.average, given=("x",), options=_same("axis", "weights")),
    "broadcast_to": Rule(function=np.broadcast_to, given=("x", "shape")),
    "clip": Rule(function=np.clip, given=("x", "x_min", "x_max")),
    "concatenate": Rule(function=np.concatenate, given=("xs",), options=_same("axis")),
    "cross": Rule(function=np.cross, given=("x1", "x2"), options=_same("axisa", "axisb", "axisc", "axis")),
    "det": Rule(function=np.linalg.det, given=("x",)),
    "diagonal": Rule(function=np.diagonal, given=("x",), options=_same("offset", "axis1", "axis2")),
    "diff": Rule(function=np.diff, given=("a",), options=_same("n", "axis")),
    "einsum": Rule(function=lambda subscripts, operands: np.einsum(subscripts, *operands), given=("subscripts", "operands")),
    "expand_dims": Rule(function=np.expand_dims, given=("x", "axis")),
    "gelu": Rule(function=_gelu, given=("x",), options=_same("approximate")),
    "hstack": Rule(function=np.hstack, given=("xs",)),
    "inv": Rule(function=np.linalg.inv, given=("x",)),
    "leaky_relu": Rule(function=ACTIVATIONS["leaky_relu"], given=("x",), options=_same("negative_slope")),
    "logsumexp": Rule(function=_logsumexp, given=("x",), options=_same("axis", "keepdims")),
    "moveaxis": Rule(function=np.moveaxis, given=("x", "source", "destination")),
    "norm": Rule(function=np.linalg.norm, given=("x",), options=_same("ord", "axis", "keepdims")),
    "pad": Rule(function=np.pad, given=("x", "pad_width"), options=_same("mode", "constant_values")),
    "quantile": Rule(function=np.quantile, given=("x", "q"), options=_same("axis", "method", "keepdims")),
    "repeat": Rule(function=np.repeat, given=("x", "repeats"), options=_same("axis")),
    "reshape": Rule(function=np.reshape, given=("x", "newshape")),
    "roll": Rule(function=np.roll, given=("x", "shift"), options=_same("axis")),
    "rot90": Rule(function=np.rot90, given=("array",), options=_same("k", "axes")),
    "round": Rule(function=np.round, given=("x",), options=_same("decimals")),
    "rsqrt": Rule(function=lambda x: 1.0 / np.sqrt(x), given=("x",)),
    "scatter_update": Rule(function=_scatter_update, given=("inputs", "indices", "updates"), options=_same("reduction")),
    "segment_sum": Rule(function=_segment_sum, given=("data", "segment_ids"), options=_same("num_segments", "sorted")),
    "slice_update": Rule(function=_slice_update, given=("inputs", "start_indices", "updates")),
    "slogdet": Rule(function=np.linalg.slogdet, given=("x",)),
    "solve": Rule(function=np.linalg.solve, given=("a", "b")),
    "stack": Rule(function=np.stack, given=("x",), options=_same("axis")),
    "swapaxes": Rule(function=np.swapaxes, given=("x", "axis1", "axis2")),
    "take": Rule(function=np.take, given=("x", "indices"), options=_same("axis")),
    "take_along_axis": Rule(function=np.take_along_axis, given=("x", "indices"), options=_same("axis")),
    "tensordot": Rule(function=np.tensordot, given=("x1", "x2"), options=_same("axes")),
    "tile": Rule(function=np.tile, given=("x", "repeats")),
    "trace": Rule(function=np.trace, given=("x",), options=_same("offset", "axis1", "axis2")),
    "transpose": Rule(function=np.transpose, given=("x",), options=_same("axes")),
    "tril": Rule(function=np.tril, given=("x",), options=_same("k")),
    "triu": Rule(function=np.triu, given=("x",), options=_same("k")),
    "vstack": Rule(function=np.vstack, given=("xs",)),
    "where": Rule(function=np.where, given=("condition", "x1", "x2")),
}

OPERATIONS: Mapping[str, Definition] = {PREFIX + name: rule for name, rule in RULES.items()}
