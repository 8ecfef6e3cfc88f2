"""Layers that prepare inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pytest

from suite.referee import layers
from suite.referee.definition import Answer, Array, Call, Definition, Undefined
from suite.referee.layers import call
from tests.referee.onnx_operator import onnx_operator

X = np.random.default_rng(4).normal(size=(4, 3, 5))


def output(layer: str, config: Mapping[str, Any], x: Array = X, **rest: Any) -> Array:
    (answer,) = call(Call(layer=layer, config=config, inputs=(x,), **rest)).outputs
    return answer


@pytest.mark.parametrize("layer", ["Identity", "InputLayer"])
def test_a_layer_that_passes_its_inputs_on(layer: str) -> None:
    integers = np.array([1, 2])
    assert call(Call(layer=layer, config={}, inputs=(X, integers))).outputs == (X, integers)


def test_a_lambda_is_undefined() -> None:
    with pytest.raises(Undefined, match="Lambda applies a function of the user"):
        output("Lambda", {})


def test_masking_zeroes_the_steps_whose_features_are_all_the_mask_value() -> None:
    steps = np.array([[[-1.0, -1.0], [-1.0, 2.0], [0.0, 0.0]]])
    np.testing.assert_array_equal(output("Masking", {"mask_value": -1.0}, steps), [[[0.0, 0.0], [-1.0, 2.0], [0.0, 0.0]]])


def test_rescaling_takes_numbers_and_arrays() -> None:
    np.testing.assert_array_equal(output("Rescaling", {"scale": 0.5, "offset": -1.0}), X * 0.5 - 1.0)
    scale = {"class_name": "__numpy__", "config": {"value": [1.0, 2.0, 3.0, 4.0, 5.0], "dtype": "float64"}}
    np.testing.assert_array_equal(output("Rescaling", {"scale": scale, "offset": 0.0}), X * np.arange(1.0, 6.0))
    assert output("Rescaling", {"scale": 2, "offset": 0}, np.array([3])).dtype == np.float64


@pytest.mark.parametrize(
    ("axis", "mean", "variance"),
    [
        (None, 2.0, 4.0),
        ([-1], 2.0, 4.0),
        ((-1,), [1.0, 2.0, 3.0, 4.0, 5.0], [4.0, 1.0, 0.25, 9.0, 16.0]),
        ([1], [1.0, 2.0, 3.0], [4.0, 1.0, 0.25]),
        ([2, 1], [1.0, 2.0, 3.0, 4.0, 5.0], [4.0, 1.0, 0.25, 9.0, 16.0]),
        ([1, 2], np.arange(15.0).reshape(3, 5).tolist(), (np.arange(15.0) + 1.0).reshape(3, 5).tolist()),
    ],
)
def test_normalization_with_given_moments_and_its_inverse(axis: Any, mean: Any, variance: Any) -> None:
    shape = (3, 1) if axis == [1] else (-1,) if np.ndim(mean) == 1 else np.shape(mean)
    means, variances = np.reshape(mean, shape), np.reshape(variance, shape)
    config = {"axis": axis, "mean": mean, "variance": variance, "invert": False}
    answer = output("Normalization", config)
    np.testing.assert_allclose(answer, (X - means) / np.sqrt(variances), rtol=1e-15)
    np.testing.assert_allclose(output("Normalization", {**config, "invert": True}, answer), X, atol=1e-13)


def test_normalization_with_moments_that_it_has_learned() -> None:
    config = {"axis": [-1], "mean": None, "variance": None, "invert": False}
    weights = {"mean": np.zeros(5), "variance": np.array([4.0, 0.0, 1.0, 1.0, 1.0]), "count": np.array(4)}
    scale = np.array([0.5, 1e7, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(output("Normalization", config, weights=weights), X * scale, rtol=1e-15)


BINS = {"bin_boundaries": [-1.0, 0.0, 1.0], "output_mode": "int"}


def test_a_boundary_belongs_to_the_bin_above_it() -> None:
    points = np.array([[-1.5, -1.0, -0.5], [0.0, 1.0, 7.0]])
    answer = output("Discretization", BINS, points)
    np.testing.assert_array_equal(answer, [[0, 1, 1], [2, 3, 3]])
    assert answer.dtype.kind == "i"
    counts = output("Discretization", {**BINS, "output_mode": "count"}, points)
    np.testing.assert_array_equal(counts, [[1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0]])


def test_discretization_without_boundaries_is_undefined() -> None:
    with pytest.raises(Undefined, match="it was not adapted"):
        output("Discretization", {"bin_boundaries": None, "output_mode": "int"})


def encoded(mode: str, categories: Any, **arguments: Any) -> Array:
    return output("CategoryEncoding", {"num_tokens": 3, "output_mode": mode}, np.array(categories), arguments=arguments)


@pytest.mark.parametrize(
    ("mode", "categories", "expected"),
    [
        ("one_hot", [2, 0], [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
        ("one_hot", [[2], [0]], [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
        ("one_hot", [[2, 0]], [[[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]]),
        ("multi_hot", [[2, 0], [1, 1]], [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]),
        ("multi_hot", [2, 0], [1.0, 0.0, 1.0]),
        ("multi_hot", 2, [0.0, 0.0, 1.0]),
        ("count", [[2, 0], [1, 1]], [[1.0, 0.0, 1.0], [0.0, 2.0, 0.0]]),
    ],
)
def test_categories_as_rows_of_numbers(mode: str, categories: Any, expected: Any) -> None:
    np.testing.assert_array_equal(encoded(mode, categories), expected)


def test_counts_are_weighed() -> None:
    weights = np.array([[0.5, 2.0], [0.25, 0.5]])
    np.testing.assert_array_equal(
        encoded("count", [[2, 0], [1, 1]], count_weights=weights), [[2.0, 0.0, 0.5], [0.0, 0.75, 0.0]]
    )


@pytest.mark.parametrize(
    ("categories", "words"), [([[3]], "categories 3 to 3, and there are 3"), ([[-1, 1]], "categories -1 to 1")]
)
def test_a_category_that_is_none_is_undefined(categories: Any, words: str) -> None:
    with pytest.raises(Undefined, match=words):
        encoded("multi_hot", categories)


def test_samples_of_several_axes_are_undefined() -> None:
    with pytest.raises(Undefined, match="count of categories with 3 axes"):
        encoded("count", [[[1]]])


LOOKUP = {"vocabulary": [12, 36, 42], "num_oov_indices": 1, "mask_token": None, "invert": False, "output_mode": "int"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [[1, 3], [0, 0]]),
        ({"mask_token": 0}, [[2, 4], [1, 0]]),
        ({"mask_token": 0, "num_oov_indices": 0, "vocabulary": [12, 42, 7]}, [[1, 2], [3, 0]]),
    ],
)
def test_integers_are_looked_up(changes: dict[str, Any], expected: Any) -> None:
    np.testing.assert_array_equal(output("IntegerLookup", {**LOOKUP, **changes}, np.array([[12, 42], [7, 0]])), expected)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vocabulary": None}, "other than from integers"),
        ({"num_oov_indices": 2}, "other than from integers"),
        ({"invert": True}, "other than from integers"),
        ({"output_mode": "count"}, "other than from integers"),
        ({"num_oov_indices": 0}, "outside of its vocabulary"),
    ],
)
def test_a_lookup_of_a_different_kind_is_undefined(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Undefined, match=words):
        output("IntegerLookup", {**LOOKUP, **changes}, np.array([7]))


@pytest.mark.parametrize("size", [(2, 3), (6, 7), (5, 2), (1, 4)])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("batched", [True, False])
def test_the_middle_of_an_image_is_what_onnx_computes(size: tuple[int, int], data_format: str, batched: bool) -> None:
    images = np.random.default_rng(8).normal(size=(2, 6, 7, 3))
    expected = onnx_operator("CenterCropPad", images, np.array(size), axes=[1, 2])[0]
    if data_format == "channels_first":
        images, expected = np.moveaxis(images, -1, 1), np.moveaxis(expected, -1, 1)
    config = {"height": size[0], "width": size[1], "data_format": data_format}
    answer = output("CenterCrop", config, images if batched else images[0])
    np.testing.assert_array_equal(answer, expected if batched else expected[0])


@pytest.mark.parametrize("size", [(7, 2), (2, 8)])
def test_an_image_that_is_too_small_is_resized(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    def resizing(asked: Call) -> Answer:
        assert (asked.config["height"], asked.config["width"]) == size
        assert asked.config["crop_to_aspect_ratio"] and asked.config["interpolation"] == "bilinear"
        return Answer(outputs=(asked.inputs[0] * 2.0,))

    monkeypatch.setitem(cast(dict[str, Definition], layers.LAYERS), "Resizing", resizing)
    images = np.ones((1, 6, 7, 3))
    config = {"name": "crop", "height": size[0], "width": size[1], "data_format": "channels_last"}
    np.testing.assert_array_equal(output("CenterCrop", config, images), images * 2.0)
