"""Attention layers against ONNX's Attention and cases worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special

from suite.referee.definition import Array, Arrays, Call, Undefined
from suite.referee.layers import call
from tests.referee.onnx_operator import onnx_operator

DRAW = np.random.default_rng(17)
ROWS, QUERIES, KEYS, HEADS, WIDTH, VALUES = 2, 3, 4, 4, 5, 2
QUERY, VALUE, KEY = (DRAW.normal(size=(ROWS, length, dim)) for length, dim in ((QUERIES, 6), (KEYS, 7), (KEYS, 8)))
PLAIN, OTHER, THIRD = (DRAW.normal(size=(ROWS, length, 6)) for length in (QUERIES, KEYS, KEYS))
CONFIG = {"num_heads": HEADS, "key_dim": WIDTH, "value_dim": VALUES, "use_bias": True, "attention_axes": [1], "dropout": 0.0}
GROUPED = {"num_query_heads": HEADS, "num_key_value_heads": 2, "head_dim": WIDTH, "use_bias": True, "dropout": 0.0}
KEPT = np.array([[True, False, True, True], [True, True, True, False], [False, False, True, False]])


def projections(key_heads: int = HEADS, value_width: int = VALUES, output: tuple[int, ...] = (6,)) -> dict[str, Array]:
    shapes = {
        "query": (6, HEADS, WIDTH), "key": (8, key_heads, WIDTH), "value": (7, key_heads, value_width),
        "gate": (6, HEADS, value_width), "attention_output": (HEADS, value_width, *output),
    }  # fmt: skip
    weights = {f"{name}/kernel": DRAW.normal(size=shape) for name, shape in shapes.items()}
    biases = {f"{name}/bias": DRAW.normal(size=shape[1:]) for name, shape in shapes.items()}
    return weights | biases | {"attention_output/bias": DRAW.normal(size=output)}


def outputs(layer: str, config: dict[str, Any], inputs: tuple[Array, ...], **rest: Any) -> tuple[Array, ...]:
    return call(Call(layer=layer, config=config, inputs=inputs, **rest)).outputs


def by_onnx(weights: Arrays, key_heads: int, mask: Array | None = None, **attributes: Any) -> Array:
    """ONNX's Attention between the projections, which einsum computes here."""
    query, key, value = (
        np.einsum("btd,dnh->bnth", x, weights[f"{name}/kernel"]) + weights[f"{name}/bias"][:, np.newaxis]
        for name, x in (("query", QUERY), ("key", KEY), ("value", VALUE))
    )
    heads = onnx_operator("Attention", query, key, value, mask, **attributes)[0]
    return np.asarray(
        np.einsum("bnth,nhd->btd", heads, weights["attention_output/kernel"]) + weights["attention_output/bias"]
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_multi_head_attention_is_what_onnx_computes(masked: bool, causal: bool) -> None:
    weights = projections()
    kept = KEPT | (np.arange(KEYS) == 0)  # a causal query sees its own position and those before: never none
    arguments: dict[str, Any] = {"use_causal_mask": causal} | ({"attention_mask": kept} if masked else {})
    (answer,) = outputs("MultiHeadAttention", CONFIG, (QUERY, VALUE, KEY), weights=weights, arguments=arguments)
    expected = by_onnx(weights, HEADS, kept if masked else None, is_causal=int(causal))
    np.testing.assert_allclose(answer, expected, rtol=1e-11)


@pytest.mark.parametrize("causal", [False, True])
def test_grouped_query_attention_is_what_onnx_computes(causal: bool) -> None:
    weights = projections(key_heads=2, value_width=WIDTH)
    arguments = {"use_causal_mask": causal}
    for layer in ("GroupQueryAttention", "GroupedQueryAttention"):
        (answer,) = outputs(layer, GROUPED, (QUERY, VALUE, KEY), weights=weights, arguments=arguments)
        np.testing.assert_allclose(answer, by_onnx(weights, 2, is_causal=int(causal)), rtol=1e-11)


def weights_of(arguments: dict[str, Any], masks: tuple[Array | None, ...] = (), **config: Any) -> Array:
    """The attention weights (rows, heads, T, S) of a call in which every score is 0: each query sees its keys alike."""
    zeros = {name: array * 0.0 for name, array in projections().items()}
    arguments = {**arguments, "return_attention_scores": True}
    inputs = (QUERY, VALUE, KEY)
    return outputs("MultiHeadAttention", CONFIG | config, inputs, weights=zeros, arguments=arguments, masks=masks)[1]


def evenly(kept: Array) -> Array:
    return np.broadcast_to(kept / np.maximum(kept.sum(axis=-1, keepdims=True), 1), (ROWS, HEADS, QUERIES, KEYS))


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        ({"attention_mask": KEPT}, KEPT),
        ({"attention_mask": KEPT[np.newaxis].astype(np.int64)}, KEPT),
        ({"attention_mask": np.stack([KEPT, ~KEPT])}, np.stack([KEPT, ~KEPT])[:, np.newaxis]),
        ({"use_causal_mask": True}, np.tril(np.ones((QUERIES, KEYS)))),
        ({"use_causal_mask": True, "attention_mask": KEPT}, np.tril(KEPT)),
        ({"value_mask": KEPT[:2]}, KEPT[:2][:, np.newaxis, np.newaxis, :]),
        ({"key_mask": KEPT[:2], "value_mask": KEPT[1:]}, (KEPT[:2] & KEPT[1:])[:, np.newaxis, np.newaxis, :]),
        ({"query_mask": KEPT[:2, 1:]}, np.ones((QUERIES, KEYS))),
    ],
)
def test_a_key_counts_if_every_mask_keeps_it(arguments: dict[str, Any], kept: Array) -> None:
    np.testing.assert_allclose(weights_of(arguments), evenly(kept))


def test_masks_that_come_with_the_inputs_are_those_of_query_value_and_key() -> None:
    masks = (KEPT[:2, 1:], KEPT[:2], None)
    expected = evenly(KEPT[:2, np.newaxis, 1:, np.newaxis] & KEPT[:2, np.newaxis, np.newaxis, :])
    np.testing.assert_allclose(weights_of({}, masks), expected)


def test_a_sliding_window_keeps_the_keys_less_than_so_many_positions_away() -> None:
    kept = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1]])
    np.testing.assert_allclose(weights_of({}, sliding_window=2), evenly(kept))


@pytest.mark.parametrize(
    ("returned", "dropout", "share"), [(True, 0.0, 0.0), (False, 0.5, 0.0), (True, 0.5, 0.0), (False, 0.0, 1.0 / KEYS)]
)
def test_a_query_that_may_see_no_key(returned: bool, dropout: float, share: float) -> None:
    weights, config = projections(), {**CONFIG, "dropout": dropout}
    arguments = {"attention_mask": KEPT & (np.arange(QUERIES) > 0)[:, np.newaxis], "return_attention_scores": returned}
    answer, *scores = outputs("MultiHeadAttention", config, (QUERY, VALUE, KEY), weights=weights, arguments=arguments)
    values = np.einsum("bsd,dnh->bnh", VALUE, weights["value/kernel"]) + KEYS * weights["value/bias"]
    expected = (
        np.einsum("bnh,nhd->bd", share * values, weights["attention_output/kernel"]) + weights["attention_output/bias"]
    )
    np.testing.assert_allclose(answer[:, 0], expected, rtol=1e-12)
    if returned:
        np.testing.assert_array_equal(scores[0][:, :, 0], np.zeros((ROWS, HEADS, KEYS)))


def test_the_mask_of_a_query_of_grouped_query_attention_may_be_an_argument() -> None:
    weights = projections(key_heads=2, value_width=WIDTH)
    arguments = {"query_mask": KEPT[:2, 1:], "return_attention_scores": True}
    _, scores = outputs("GroupQueryAttention", GROUPED, (QUERY, VALUE, KEY), weights=weights, arguments=arguments)
    np.testing.assert_allclose(scores.sum(axis=-1), np.broadcast_to(KEPT[:2, np.newaxis, 1:], (ROWS, HEADS, QUERIES)))


def test_a_gate_scales_each_head_before_the_output() -> None:
    weights = projections()
    halved = {**weights, "gate/kernel": weights["gate/kernel"] * 0.0, "gate/bias": weights["gate/bias"] * 0.0}
    inputs = (QUERY, VALUE, KEY)
    (plain,) = outputs("MultiHeadAttention", CONFIG, inputs, weights=weights)
    (gated,) = outputs("MultiHeadAttention", {**CONFIG, "use_gate": True}, inputs, weights=halved)
    bias = weights["attention_output/bias"]
    np.testing.assert_allclose(gated - bias, 0.5 * (plain - bias), rtol=1e-12)
    logits = np.einsum("btd,dnh->btnh", QUERY, weights["gate/kernel"]) + weights["gate/bias"]
    one = {**weights, "value/kernel": weights["value/kernel"] * 0.0, "value/bias": np.ones((HEADS, VALUES))}
    (gated,) = outputs("MultiHeadAttention", {**CONFIG, "use_gate": True}, inputs, weights=one)
    expected = np.einsum("btnh,nhd->btd", scipy.special.expit(logits), weights["attention_output/kernel"]) + bias
    np.testing.assert_allclose(gated, expected, rtol=1e-12)


@pytest.mark.parametrize("inputs", [(), (QUERY,), (QUERY, VALUE)])
def test_inputs_may_be_arguments_by_name(inputs: tuple[Array, ...]) -> None:
    weights, names = projections(), {"query": QUERY, "value": VALUE, "key": KEY}
    arguments = dict(list(names.items())[len(inputs) :])
    (answer,) = outputs("MultiHeadAttention", CONFIG, inputs, weights=weights, arguments=arguments)
    np.testing.assert_array_equal(answer, outputs("MultiHeadAttention", CONFIG, (QUERY, VALUE, KEY), weights=weights)[0])


def test_without_biases_and_with_several_output_axes() -> None:
    weights = {name: array for name, array in projections(output=(2, 3)).items() if name.endswith("kernel")}
    config = {**CONFIG, "use_bias": False}
    (answer,) = outputs("MultiHeadAttention", config, (QUERY, VALUE, KEY), weights=weights)
    flat = {**weights, "attention_output/kernel": weights["attention_output/kernel"].reshape(HEADS, VALUES, 6)}
    (expected,) = outputs("MultiHeadAttention", config, (QUERY, VALUE, KEY), weights=flat)
    np.testing.assert_array_equal(answer, expected.reshape(ROWS, QUERIES, 2, 3))


@pytest.mark.parametrize(
    ("axes", "swap", "fold"),
    [((1,), (0, 2, 1, 3), False), ((-2,), (0, 1, 2, 3), False), ((1, 2), (0, 1, 2, 3), True), (None, (0, 1, 2, 3), True)],
)
def test_attention_over_other_axes_is_attention_over_positions_made_of_them(axes: Any, swap: Any, fold: bool) -> None:
    images, weights = DRAW.normal(size=(ROWS, 3, 4, 6)), projections()
    weights |= {name: DRAW.normal(size=(6, *weights[name].shape[1:])) for name in ("key/kernel", "value/kernel")}
    arguments = {"return_attention_scores": True}
    config = {**CONFIG, "attention_axes": axes}
    answer, scores = outputs("MultiHeadAttention", config, (images, images), weights=weights, arguments=arguments)
    moved = images.transpose(swap)
    flat = moved.reshape(ROWS, -1, 6) if fold else moved.reshape(-1, *moved.shape[2:])
    expected, flat_scores = outputs("MultiHeadAttention", CONFIG, (flat, flat), weights=weights, arguments=arguments)
    np.testing.assert_allclose(answer.transpose(swap).reshape(expected.shape), expected, rtol=1e-12)
    np.testing.assert_allclose(scores.reshape(-1), flat_scores.reshape(-1), rtol=1e-12)


def test_an_attention_mask_over_two_axes_has_each_of_them_twice() -> None:
    images, weights = DRAW.normal(size=(ROWS, 2, 2, 6)), projections()
    weights |= {name: DRAW.normal(size=(6, *weights[name].shape[1:])) for name in ("key/kernel", "value/kernel")}
    kept = DRAW.random((ROWS, 2, 2, 2, 2)) > 0.3
    config = {**CONFIG, "attention_axes": [1, 2]}
    (answer,) = outputs("MultiHeadAttention", config, (images, images), weights=weights, arguments={"attention_mask": kept})
    flat, mask = images.reshape(ROWS, 4, 6), {"attention_mask": kept.reshape(ROWS, 4, 4)}
    (expected,) = outputs("MultiHeadAttention", CONFIG, (flat, flat), weights=weights, arguments=mask)
    np.testing.assert_allclose(answer.reshape(ROWS, 4, 6), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("rest", "config", "words"),
    [
        ({"training": True}, {"dropout": 0.5}, "draws random numbers"),
        ({"arguments": {"use_causal_mask": True}}, {"attention_axes": [2]}, "over inputs that have not three axes"),
    ],
)
def test_what_multi_head_attention_does_not_define(rest: dict[str, Any], config: dict[str, Any], words: str) -> None:
    images, weights = DRAW.normal(size=(ROWS, 3, 4, 6)), projections()
    weights |= {name: DRAW.normal(size=(6, *weights[name].shape[1:])) for name in ("key/kernel", "value/kernel")}
    with pytest.raises(Undefined, match=words):
        outputs("MultiHeadAttention", {**CONFIG, **config}, (images, images), weights=weights, **rest)


def test_weights_beside_kernel_and_bias_are_undefined() -> None:
    weights = projections() | {"query/lora_kernel_a": np.ones((6, 1))}
    with pytest.raises(Undefined, match=r"with the weights \['query/lora_kernel_a'\]"):
        outputs("MultiHeadAttention", CONFIG, (QUERY, VALUE, KEY), weights=weights)


def luong(inputs: tuple[Array, ...] = (PLAIN, OTHER, THIRD), mode: str = "dot", **rest: Any) -> tuple[Array, ...]:
    return outputs("Attention", {"score_mode": mode, "dropout": 0.0}, inputs, **rest)


def test_luong_attention_is_onnx_attention_with_a_scale_of_one() -> None:
    four = [x[:, np.newaxis] for x in (PLAIN, THIRD, OTHER)]
    (answer,) = luong()
    np.testing.assert_allclose(answer, onnx_operator("Attention", *four, scale=1.0)[0][:, 0], rtol=1e-12)
    (scaled,) = luong(weights={"scale": np.array(0.25)})
    np.testing.assert_allclose(scaled, onnx_operator("Attention", *four, scale=0.25)[0][:, 0], rtol=1e-12)


def test_luong_attention_without_a_key_takes_the_value() -> None:
    np.testing.assert_array_equal(luong((PLAIN, OTHER))[0], luong((PLAIN, OTHER, OTHER))[0])


def test_concat_scores_are_sums_of_hyperbolic_tangents() -> None:
    query, key = np.array([[[1.0, -2.0]]]), np.array([[[0.5, 1.0], [0.0, 0.0]]])
    weights = {"scale": np.array(2.0), "concat_score_weight": np.array(3.0)}
    _, scores = luong((query, key), "concat", weights=weights, arguments={"return_attention_scores": True})
    raw = 3.0 * np.array([np.tanh(3.0) + np.tanh(-2.0), np.tanh(2.0) + np.tanh(-4.0)])
    np.testing.assert_allclose(scores[0, 0], scipy.special.softmax(raw), rtol=1e-14)


@pytest.mark.parametrize("scale", [{}, {"scale": np.array([0.5, 4.0])}])
def test_additive_attention_weighs_each_feature(scale: dict[str, Array]) -> None:
    query, key = np.array([[[1.0, -2.0]]]), np.array([[[0.5, 1.0], [0.0, 0.0]]])
    config, arguments = {"dropout": 0.0}, {"return_attention_scores": True}
    answer, scores = outputs("AdditiveAttention", config, (query, key), weights=scale, arguments=arguments)
    first, second = scale.get("scale", np.ones(2))
    raw = [first * np.tanh(1.5) + second * np.tanh(-1.0), first * np.tanh(1.0) + second * np.tanh(-2.0)]
    np.testing.assert_allclose(scores[0, 0], scipy.special.softmax(raw), rtol=1e-14)
    np.testing.assert_allclose(answer[0], scores[0] @ key[0], rtol=1e-14)


def test_masks_of_query_and_value_and_causality() -> None:
    mask: list[Array | None] = [np.array([[True, True, False]] * ROWS), np.array([[True, False, True, True]] * ROWS)]
    arguments = {"mask": mask, "use_causal_mask": True, "return_attention_scores": True}
    answer, scores = luong(arguments=arguments)
    kept = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 1, 0]]) > 0
    np.testing.assert_array_equal(scores > 0.0, np.stack([kept] * ROWS))
    np.testing.assert_allclose(scores.sum(axis=-1), np.ones((ROWS, QUERIES)), rtol=1e-14)
    np.testing.assert_array_equal(answer[:, 2], np.zeros((ROWS, 6)))
    np.testing.assert_allclose(answer[:, 1], OTHER[:, 0], rtol=1e-14)


def test_a_query_of_luong_attention_that_may_see_no_key_is_undefined() -> None:
    with pytest.raises(Undefined, match="a query that may see no key"):
        luong(masks=(None, np.zeros((ROWS, KEYS), np.bool_)))
    with pytest.raises(Undefined, match="draws random numbers"):
        outputs("Attention", {"score_mode": "dot", "dropout": 0.5}, (PLAIN, OTHER), training=True)
