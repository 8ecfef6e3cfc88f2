"""Definitions of the attention layers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from suite.referee.activations import Floats, sigmoid
from suite.referee.definition import Answer, Call, Definition, Undefined
from suite.referee.layers.activations import masked_softmax
from suite.referee.layers.masks import Mask, boolean, mask_of


def attention(asked: Call) -> Answer:
    """weights = softmax over the keys of score(query, key); the output is weights @ value.

    score: "dot" is q . k, times the scalar weight `scale` with use_scale; "concat" is concat_score_weight * sum(tanh(scale *
    (q + k))). Inputs: query (rows, T, dim), value (rows, S, dim), and key like value, or value itself. A mask of the value,
    or use_causal_mask (query i sees the keys up to i), keeps keys; where the mask of the query is False, the output is 0.
    return_attention_scores adds the weights (rows, T, S). Source: Luong et al. 2015; Keras, Attention layer.

    Raises:
        Undefined: a query that may see no key (Keras asks for one at least); dropout in training.
    """
    scale = asked.weights.get("scale", np.ones(()))
    query, _, key = _query_value_key(asked)
    if asked.config["score_mode"] == "dot":
        return _attended(asked, scale * (query @ np.swapaxes(key, -1, -2)))
    sums = query[..., :, np.newaxis, :] + key[..., np.newaxis, :, :]
    return _attended(asked, asked.weights["concat_score_weight"] * np.sum(np.tanh(scale * sums), axis=-1))


def additive_attention(asked: Call) -> Answer:
    """As Attention, with the score sum(scale * tanh(query + key)); `scale` is a weight (dim,), or 1 without use_scale.

    Source: Bahdanau et al. 2015; Keras, AdditiveAttention layer.
    """
    query, _, key = _query_value_key(asked)
    sums = query[..., :, np.newaxis, :] + key[..., np.newaxis, :, :]
    return _attended(asked, np.sum(asked.weights.get("scale", 1.0) * np.tanh(sums), axis=-1))


def _query_value_key(asked: Call) -> tuple[Floats, Floats, Floats]:
    """Inputs in this order; those that are not among them are arguments by name."""
    by_name = [asked.arguments[name] for name in ("query", "value", "key") if asked.arguments.get(name) is not None]
    query, value, *key = (np.asarray(array, np.float64) for array in (*asked.inputs, *by_name))
    return query, value, key[0] if key else value


def _attended(asked: Call, scores: Floats) -> Answer:
    _refuse_dropout(asked)
    kept = np.ones(scores.shape, np.bool_)
    if (of_value := mask_of(asked, 1)) is not None:
        kept = kept & of_value[..., np.newaxis, :]
    if asked.arguments.get("use_causal_mask"):
        kept = kept & causal(*scores.shape[-2:])
    if not kept.any(axis=-1).all():
        raise Undefined("attention of a query that may see no key")
    weights = masked_softmax(scores, kept, (-1,))
    output = weights @ _query_value_key(asked)[1]
    if (of_query := mask_of(asked, 0)) is not None:
        output = np.where(of_query[..., np.newaxis], output, 0.0)
    return Answer(outputs=(output, weights) if asked.arguments.get("return_attention_scores") else (output,))


def multi_head_attention(asked: Call) -> Answer:
    """For each head: q = query Wq + bq, k = key Wk + bk, v = value Wv + bv; weights = softmax over the keys of q . k /
    sqrt(key_dim), over those that the mask keeps; the output is the sum over the heads of (weights @ v) Wo, plus bo.

    Inputs: query (rows, ..., dim), value, and key, or value itself. The axes attention_axes of query and key are attended
    over together (all between the first and the last, if None); the other axes are batch axes. Kernels: query and key (dim,
    heads, key_dim), value (dim, heads, value_dim), attention_output (heads, value_dim, *output_shape); biases without the
    first axis, that of the output with output_shape. use_gate multiplies each head by sigmoid(query Wg + bg).

    A key counts for a query if all masks that there are keep it: attention_mask (broadcast to rows, T, S), the masks of
    query, value and key, use_causal_mask (up to the query's own position), sliding_window (less than so many positions
    away). return_attention_scores adds the weights (rows, heads, T, S).

    The documentation does not say what a query gets that may see no key, as a padded one. It has weights of 0, as in ONNX,
    where Keras computes the weights itself: to return them, with dropout (also in inference), or over inputs that have not
    three axes. Elsewhere a kernel computes them, and it sees every key alike.

    Source: Vaswani et al. 2017, section 3.2; Keras, MultiHeadAttention layer; ONNX operator Attention.

    Raises:
        Undefined: dropout in training; other masks than attention_mask over inputs that have not three axes.
    """
    axes, count = asked.config["attention_axes"], _query_value_key(asked)[0].ndim
    axes = tuple(range(1, count - 1)) if axes is None else tuple(axis % count for axis in axes)
    return _attended_by_heads(asked, _heads(asked, times=1), axes, asked.config["key_dim"])


def grouped_query_attention(asked: Call) -> Answer:
    """As MultiHeadAttention over inputs (rows, positions, dim), with fewer heads of keys and values than of queries: query
    head h sees key and value head h // (num_query_heads / num_key_value_heads).

    Source: Ainslie et al. 2023; Keras, GroupQueryAttention layer; ONNX operator Attention with fewer key heads.
    """
    times = asked.config["num_query_heads"] // asked.config["num_key_value_heads"]
    return _attended_by_heads(asked, _heads(asked, times), (1,), asked.config["head_dim"])


@dataclass(frozen=True, kw_only=True)
class Heads:
    """Query, key and value by head: (rows, ..., heads, width)."""

    query: Floats
    key: Floats
    value: Floats


def _heads(asked: Call, times: int) -> Heads:
    """The projections of query, key and value; each head of keys and values stands so many times, side by side."""
    query, value, key = _query_value_key(asked)
    return Heads(
        query=_project(asked, "query", query),
        key=np.repeat(_project(asked, "key", key), times, axis=-2),
        value=np.repeat(_project(asked, "value", value), times, axis=-2),
    )


def _attended_by_heads(asked: Call, heads: Heads, axes: tuple[int, ...], width: int) -> Answer:
    _refuse_dropout(asked)
    query, key, value = (_positions_last(array, axes) for array in (heads.query, heads.key, heads.value))
    scores = query @ np.swapaxes(key, -1, -2) / math.sqrt(width)  # (*batch, heads, T, S)
    spread = _spread_shape(heads, axes, scores)
    kept = _kept(asked, scores.shape, spread)
    weights = masked_softmax(scores, kept, (-1,))
    if not (asked.arguments.get("return_attention_scores") or asked.config["dropout"] or len(spread) != 4):
        weights = np.where(kept.any(axis=-1, keepdims=True), weights, 1.0 / scores.shape[-1])
    by_head = _positions_back(weights @ value, heads.query.shape, axes)
    if asked.config.get("use_gate"):
        by_head = by_head * sigmoid(_project(asked, "gate", _query_value_key(asked)[0]))
    output = _project(asked, "attention_output", by_head, over=2)
    return Answer(outputs=(output, weights.reshape(spread)) if asked.arguments.get("return_attention_scores") else (output,))


def _project(asked: Call, name: str, x: Floats, over: int = 1) -> Floats:
    """x times the kernel of an inner dense layer, summed over the last axes of x, plus its bias."""
    extra = {key for key in asked.weights if key.startswith(f"{name}/")} - {f"{name}/kernel", f"{name}/bias"}
    if extra:
        raise Undefined(f"{asked.layer} with the weights {sorted(extra)}")
    bias = asked.weights[f"{name}/bias"] if asked.config["use_bias"] else 0.0
    return np.asarray(np.tensordot(x, asked.weights[f"{name}/kernel"], axes=over) + bias, np.float64)


def _positions_last(array: Floats, axes: tuple[int, ...]) -> Floats:
    """(*batch, heads, positions, width), with all positions of the attended axes in one axis."""
    moved = np.moveaxis(array, axes, range(-1 - len(axes), -1))  # (*batch, heads, *axes, width)
    return moved.reshape(*moved.shape[: -1 - len(axes)], -1, moved.shape[-1])


def _positions_back(array: Floats, shape: tuple[int, ...], axes: tuple[int, ...]) -> Floats:
    """The inverse of `_positions_last` for an array whose query had this shape."""
    moved = array.reshape(*array.shape[:-2], *(shape[axis] for axis in axes), array.shape[-1])
    return np.moveaxis(moved, range(-1 - len(axes), -1), axes)


def _spread_shape(heads: Heads, axes: tuple[int, ...], scores: Floats) -> tuple[int, ...]:
    """The shape of the weights with the attended axes apart: (*batch, heads, *axes of the query, *axes of the key)."""
    return (*scores.shape[:-2], *(heads.query.shape[axis] for axis in axes), *(heads.key.shape[axis] for axis in axes))


def _kept(asked: Call, shape: tuple[int, ...], spread: tuple[int, ...]) -> Mask:
    """Which keys count for which queries, in the shape of the scores."""
    kept = np.ones(spread, np.bool_)
    if (given := boolean(asked.arguments.get("attention_mask"))) is not None:
        kept = kept & _aligned(given, len(spread), attended=len(spread) - len(shape) + 2)
    for mask in _position_masks(asked, *shape[-2:]):
        if len(spread) != 4:
            raise Undefined(f"{asked.layer} with a mask of its positions over inputs that have not three axes")
        kept = kept & mask
    return kept.reshape(shape)


def _position_masks(asked: Call, queries: int, keys: int) -> list[Mask]:
    """The masks other than attention_mask, each broadcast to (rows, heads, T, S)."""
    of_query, of_value, of_key = (_named_mask(asked, name, index) for index, name in enumerate(("query", "value", "key")))
    if asked.layer == "MultiHeadAttention":
        of_query = mask_of(asked, 0)  # Keras takes the mask that the query carries, and no other
    masks = [of_query[:, np.newaxis, :, np.newaxis]] if of_query is not None else []
    masks += [mask[:, np.newaxis, np.newaxis, :] for mask in (of_value, of_key) if mask is not None]
    if asked.arguments.get("use_causal_mask"):
        masks.append(causal(queries, keys))
    if (window := asked.config.get("sliding_window")) is not None:
        masks.append(np.abs(np.arange(queries)[:, np.newaxis] - np.arange(keys)) < window)
    return masks


def _named_mask(asked: Call, name: str, index: int) -> Mask | None:
    given = boolean(asked.arguments.get(f"{name}_mask"))
    return given if given is not None else mask_of(asked, index)


def _aligned(mask: Mask, axes: int, attended: int) -> Mask:
    """The mask with new axes of size 1 before those of the positions, until it has so many axes."""
    at = max(mask.ndim - attended, 0)
    return mask.reshape(*mask.shape[:at], *[1] * (axes - mask.ndim), *mask.shape[at:])


def causal(queries: int, keys: int) -> Mask:
    """(queries, keys): True for the keys up to the query's own position."""
    return np.asarray(np.arange(queries)[:, np.newaxis] >= np.arange(keys))


def _refuse_dropout(asked: Call) -> None:
    if asked.training and asked.config["dropout"]:
        raise Undefined("draws random numbers")


LAYERS: Mapping[str, Definition] = {
    "AdditiveAttention": additive_attention,
    "Attention": attention,
    "GroupQueryAttention": grouped_query_attention,
    "GroupedQueryAttention": grouped_query_attention,  # the name of the class that keras.layers.GroupQueryAttention is
    "MultiHeadAttention": multi_head_attention,
}
