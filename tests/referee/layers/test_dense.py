from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from suite.referee.definition import Undefined
from tests.referee.calls import normal, output
from tests.referee.onnx_operator import onnx_operator

DENSE: Mapping[str, Any] = {"use_bias": True, "activation": "linear"}


def test_onnx_multiplies_alike() -> None:
    x, kernel, bias = normal(3, 4), normal(4, 5), normal(5)
    (theirs,) = onnx_operator("Gemm", x, kernel, bias)
    np.testing.assert_allclose(output("Dense", DENSE, x, weights={"kernel": kernel, "bias": bias}), theirs, rtol=1e-13)


def test_dense_acts_on_the_last_axis_of_any_rank() -> None:
    x, kernel = normal(2, 3, 4, 5), normal(5, 6)
    ours = output("Dense", {"use_bias": False, "activation": "tanh"}, x, weights={"kernel": kernel})
    np.testing.assert_allclose(ours, np.tanh(onnx_operator("MatMul", x, kernel)[0]), rtol=1e-12)


@pytest.mark.parametrize(
    ("equation", "shapes", "bias_axes", "bias"),
    [
        ("ab,bc->ac", ((3, 4), (4, 5)), "c", (5,)),
        ("...x,xy->...y", ((2, 3, 4), (4, 5)), "y", (5,)),
        ("abc,cde->abde", ((2, 3, 4), (4, 5, 2)), "d", (5, 1)),
        ("abcd,cde->abe", ((2, 3, 4, 2), (4, 2, 5)), None, ()),
    ],
)
def test_onnx_sums_over_indices_alike(equation: str, shapes: Any, bias_axes: str | None, bias: tuple[int, ...]) -> None:
    x, kernel, shift = normal(*shapes[0]), normal(*shapes[1]), normal(*bias)
    config = {"equation": equation, "bias_axes": bias_axes, "activation": "relu"}
    ours = output("EinsumDense", config, x, weights={"kernel": kernel, "bias": shift})
    (theirs,) = onnx_operator("Einsum", x, kernel, equation=equation)
    np.testing.assert_allclose(ours, np.maximum(theirs + (shift if bias_axes else 0.0), 0.0), rtol=1e-12, atol=1e-14)


def test_an_index_names_a_row() -> None:
    table, indices = normal(6, 3), np.array([[1, 5], [0, 1]])
    ours = output("Embedding", {}, indices, weights={"embeddings": table})
    assert np.array_equal(ours, onnx_operator("Gather", table, indices, axis=0)[0])
    assert np.array_equal(output("Embedding", {}, indices + 0.75, weights={"embeddings": table}), ours)


@pytest.mark.parametrize("index", [-1, 6])
def test_an_index_outside_of_the_table_is_not_defined(index: int) -> None:
    with pytest.raises(Undefined, match="an index lies outside of 0 to 5"):
        output("Embedding", {}, np.array([[index]]), weights={"embeddings": normal(6, 3)})


def test_an_embedding_in_reverse() -> None:
    x, table, other = normal(2, 4, 3), normal(6, 3), normal(3, 6)
    weights = {"embeddings": table, "reverse_embeddings": other}
    reverse: Mapping[str, Any] = {"arguments": {"reverse": True}, "weights": weights}
    np.testing.assert_allclose(output("ReversibleEmbedding", {"tie_weights": True}, x, **reverse), x @ table.T)
    capped = {"tie_weights": False, "logit_soft_cap": 2.0}
    np.testing.assert_allclose(output("ReversibleEmbedding", capped, x, **reverse), np.tanh(x @ other / 2.0) * 2.0)


def test_forwards_it_is_an_embedding() -> None:
    table = normal(6, 3)
    ours = output("ReversibleEmbedding", {"tie_weights": True}, np.array([4]), weights={"embeddings": table})
    assert np.array_equal(ours, table[[4]])


@pytest.mark.parametrize("layer", ["Dense", "EinsumDense", "Embedding", "ReversibleEmbedding"])
@pytest.mark.parametrize("others", [{"lora_rank": 2}, {"quantization_config": {"class_name": "Int8QuantizationConfig"}}])
def test_adapted_and_quantized_weights_are_not_defined(layer: str, others: Mapping[str, Any]) -> None:
    with pytest.raises(Undefined, match=r"which no definition covers"):
        output(layer, others, normal(2, 3), weights={}, arguments={"reverse": True})
