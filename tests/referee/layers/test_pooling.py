from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from suite.referee.definition import Undefined
from tests.referee.calls import channels_first, channels_last, normal, output
from tests.referee.onnx_operator import onnx_operator

SPATIAL = {1: (9,), 2: (8, 7), 3: (5, 6, 4)}


def config(size: Any, stride: Any, padding: str, data_format: str = "channels_last") -> Mapping[str, Any]:
    return {"pool_size": size, "strides": stride, "padding": padding, "data_format": data_format}


def margins(axes: int, size: int, stride: int, padding: str) -> list[tuple[int, int]]:
    """What ONNX's SAME_UPPER stands for; its reference implementation has it right in two dimensions only."""
    totals = [max((-(-length // stride) - 1) * stride + size - length, 0) for length in SPATIAL[axes]]
    return [(0, 0) if padding == "valid" else (total // 2, total - total // 2) for total in totals]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(("axes", "size"), [(1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 2), (3, 3)])
def test_onnx_takes_the_same_averages(axes: int, size: int, stride: int, padding: str) -> None:
    x = normal(2, *SPATIAL[axes], 3)
    starts, ends = zip(*margins(axes, size, stride, padding), strict=True)
    (theirs,) = onnx_operator(
        "AveragePool", channels_first(x), kernel_shape=[size] * axes, strides=[stride] * axes, pads=[*starts, *ends]
    )
    ours = output(f"AveragePooling{axes}D", config(size, stride, padding), x)
    np.testing.assert_allclose(ours, channels_last(theirs), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize(("axes", "size"), [(1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 2), (3, 3)])
def test_onnx_takes_the_same_maxima(axes: int, size: int, stride: int, padding: str) -> None:
    x = normal(2, *SPATIAL[axes], 3) - 5.0  # a padding of zeros would be the largest
    around = [(0, 0), (0, 0), *margins(axes, size, stride, padding)]
    padded = np.pad(channels_first(x), around, constant_values=-np.inf)
    (theirs,) = onnx_operator("MaxPool", padded, kernel_shape=[size] * axes, strides=[stride] * axes)
    assert np.array_equal(output(f"MaxPooling{axes}D", config(size, stride, padding), x), channels_last(theirs))


def test_scipy_filters_alike() -> None:
    x = normal(8, 7)
    ours = output("MaxPooling2D", config((3, 5), 1, "same"), x[None, ..., None])
    assert np.array_equal(ours[0, ..., 0], ndimage.maximum_filter(x, (3, 5), mode="constant", cval=-np.inf))


def test_what_lies_outside_does_not_count() -> None:
    x = np.array([2.0, 4.0, 9.0]).reshape(1, 3, 1)
    assert output("AveragePooling1D", config(2, 2, "same"), x).ravel().tolist() == [3.0, 9.0]


@pytest.mark.parametrize("layer", ["MaxPooling2D", "AveragePooling2D"])
def test_the_data_format_only_moves_the_channels(layer: str) -> None:
    x = normal(2, 8, 7, 3)
    last = output(layer, config((3, 2), 2, "same"), x)
    first = output(layer, config((3, 2), 2, "same", "channels_first"), channels_first(x))
    assert np.array_equal(first, channels_first(last))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("kind", "operator"), [("Max", "ReduceMax"), ("Average", "GlobalAveragePool")])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_onnx_pools_globally_alike(axes: int, kind: str, operator: str, keepdims: bool, data_format: str) -> None:
    x = normal(2, 3, *SPATIAL[axes])
    spatial = (np.arange(2, 2 + axes),) if operator == "ReduceMax" else ()
    (theirs,) = onnx_operator(operator, x, *spatial)
    asked = x if data_format == "channels_first" else channels_last(x)
    expected = theirs if data_format == "channels_first" else channels_last(theirs)
    ours = output(f"Global{kind}Pooling{axes}D", {"data_format": data_format, "keepdims": keepdims}, asked)
    np.testing.assert_allclose(ours, expected if keepdims else expected.reshape(2, 3), rtol=1e-13)


@pytest.mark.parametrize(("data_format", "keepdims"), [("channels_last", False), ("channels_first", True)])
def test_a_mask_leaves_out_steps(data_format: str, keepdims: bool) -> None:
    x = np.array([[1.0, 5.0, 3.0], [7.0, 8.0, 9.0]])
    mask = np.array([[True, False, True], [False, True, False]])
    asked = x[..., None] if data_format == "channels_last" else x[:, None]
    layer = {"data_format": data_format, "keepdims": keepdims}
    assert output("GlobalAveragePooling1D", layer, asked, masks=(mask,)).ravel().tolist() == [2.0, 8.0]


def test_a_row_without_steps_has_no_mean() -> None:
    mean = output(
        "GlobalAveragePooling1D", {"data_format": "channels_last"}, normal(1, 2, 3), masks=(np.zeros((1, 2), bool),)
    )
    assert np.isnan(mean).all()


def test_only_the_average_over_one_axis_reads_a_mask() -> None:
    x, mask = normal(2, 3, 4, 5), np.zeros((2, 3), bool)
    ignored = output("GlobalAveragePooling2D", {"data_format": "channels_last"}, x, masks=(mask,))
    np.testing.assert_allclose(ignored, x.mean(axis=(1, 2)))


def test_adaptive_windows_overlap_where_the_length_is_no_multiple() -> None:
    x = np.arange(1.0, 6.0).reshape(1, 5, 1)
    layer = {"output_size": 3, "data_format": "channels_last"}  # windows 0 to 1, 1 to 3, 3 to 4
    assert output("AdaptiveAveragePooling1D", layer, x).ravel().tolist() == [1.5, 3.0, 4.5]
    assert output("AdaptiveMaxPooling1D", layer, x).ravel().tolist() == [2.0, 4.0, 5.0]


@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_adaptive_pooling_is_plain_pooling_where_the_length_is_a_multiple(kind: str) -> None:
    x = normal(2, 3, 6, 8)
    adaptive = {"output_size": [3, 2], "data_format": "channels_first"}
    plain = output(f"{kind}Pooling2D", config((2, 4), (2, 4), "valid", "channels_first"), x)
    np.testing.assert_allclose(output(f"Adaptive{kind}Pooling2D", adaptive, x), plain, rtol=1e-13)


def test_an_adaptive_output_of_size_1_is_global() -> None:
    x = normal(2, 3, 4, 5, 2)
    ours = output("AdaptiveAveragePooling3D", {"output_size": 1, "data_format": "channels_last"}, x)
    np.testing.assert_allclose(ours.reshape(2, 2), x.mean(axis=(1, 2, 3)), rtol=1e-13)


def test_the_maximum_of_integers_is_an_integer() -> None:
    x = np.array([-5, -3, -9]).reshape(1, 3, 1)
    for layer in (config(2, 2, "same"), {"output_size": 2, "data_format": "channels_last"}):
        name = "AdaptiveMaxPooling1D" if "output_size" in layer else "MaxPooling1D"
        assert output(name, layer, x).dtype == x.dtype
    assert output("MaxPooling1D", config(2, 2, "same"), x).ravel().tolist() == [-3, -9]


@pytest.mark.parametrize("layer", ["AveragePooling1D", "GlobalAveragePooling1D", "AdaptiveAveragePooling1D"])
def test_the_average_of_integers_is_not_defined(layer: str) -> None:
    with pytest.raises(Undefined, match="its input is of type int64"):
        output(layer, config(2, 2, "valid"), np.arange(4).reshape(1, 4, 1))
