from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.referee.calls import channels_first, normal, output
from tests.referee.onnx_operator import onnx_operator


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_flattened_elements_lie_in_the_order_channels_last(data_format: str) -> None:
    x = np.arange(12.0).reshape(1, 2, 3, 2)
    asked = x if data_format == "channels_last" else channels_first(x)
    assert output("Flatten", {"data_format": data_format}, asked).tolist() == [list(range(12))]


def test_a_vector_is_flattened_to_a_column() -> None:
    assert output("Flatten", {"data_format": "channels_first"}, np.zeros(3)).shape == (3, 1)


def test_a_length_of_minus_1_is_what_remains() -> None:
    y = output("Reshape", {"target_shape": [-1, 2]}, np.arange(12.0).reshape(2, 3, 2))
    assert y.shape == (2, 3, 2) and y.ravel().tolist() == list(range(12))


def test_axes_are_counted_from_1() -> None:
    x = normal(2, 3, 4, 5)
    (theirs,) = onnx_operator("Transpose", x, perm=[0, 3, 1, 2])
    assert np.array_equal(output("Permute", {"dims": [3, 1, 2]}, x), theirs)


def test_a_vector_is_repeated() -> None:
    assert output("RepeatVector", {"n": 3}, np.array([[1.0, 2.0]])).tolist() == [[[1.0, 2.0]] * 3]


PADDING: Mapping[int, Any] = {1: [1, 2], 2: [[1, 2], [0, 3]], 3: [[1, 0], [2, 1], [0, 3]]}


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_onnx_pads_alike(axes: int, data_format: str) -> None:
    x = normal(2, *range(3, 3 + axes), 2)
    pairs = [PADDING[1]] if axes == 1 else PADDING[axes]
    around = np.array([[0, 0], *pairs, [0, 0]] if data_format == "channels_last" else [[0, 0], [0, 0], *pairs]).T
    (theirs,) = onnx_operator("Pad", x, around.ravel())
    assert np.array_equal(output(f"ZeroPadding{axes}D", {"padding": PADDING[axes], "data_format": data_format}, x), theirs)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_cropping_undoes_padding(axes: int, data_format: str) -> None:
    x = normal(2, *range(3, 3 + axes), 2)
    padded = output(f"ZeroPadding{axes}D", {"padding": PADDING[axes], "data_format": data_format}, x)
    cropped = output(f"Cropping{axes}D", {"cropping": PADDING[axes], "data_format": data_format}, padded)
    assert np.array_equal(cropped, x)


def test_the_end_is_cropped_from_the_end() -> None:
    assert output("Cropping1D", {"cropping": [1, 2]}, np.arange(5.0).reshape(1, 5, 1)).ravel().tolist() == [1.0, 2.0]


def test_elements_are_repeated_side_by_side() -> None:
    x = np.array([1.0, 2.0]).reshape(1, 2, 1)
    assert output("UpSampling1D", {"size": 3}, x).ravel().tolist() == [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_each_axis_of_a_volume_has_its_own_factor(data_format: str) -> None:
    x = normal(1, 2, 3, 4, 5)
    factors = [1.0, 2.0, 1.0, 3.0, 1.0] if data_format == "channels_last" else [1.0, 1.0, 2.0, 1.0, 3.0]
    (theirs,) = onnx_operator(
        "Resize",
        x,
        None,
        np.array(factors),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    assert np.array_equal(output("UpSampling3D", {"size": [2, 1, 3], "data_format": data_format}, x), theirs)


def test_integers_stay_integers() -> None:
    assert output("ZeroPadding1D", {"padding": [1, 0], "data_format": "channels_last"}, np.ones((1, 1, 1), int)).dtype == int
