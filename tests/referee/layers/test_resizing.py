from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from suite.referee import layers
from suite.referee.definition import Call, Undefined
from suite.referee.layers.resizing import KERNELS, interpolated
from tests.referee.calls import channels_first, channels_last, normal, output
from tests.referee.onnx_operator import onnx_operator

ONNX: Mapping[str, Mapping[str, Any]] = {
    "nearest": {"mode": "nearest", "nearest_mode": "round_prefer_ceil"},
    "bilinear": {"mode": "linear"},
    "bicubic": {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1},
}
TARGETS = [(4, 4), (8, 9), (5, 17), (3, 20), (7, 2), (1, 1)]


def config(height: int, width: int, **others: Any) -> Mapping[str, Any]:
    defaults = {"interpolation": "bilinear", "data_format": "channels_last", "fill_mode": "constant", "fill_value": 0.0}
    return {"height": height, "width": width, **defaults, **others}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("interpolation", ONNX)
def test_onnx_resizes_alike(interpolation: str, target: tuple[int, int]) -> None:
    x = normal(2, 7, 10, 3)
    ours = output("Resizing", config(*target, interpolation=interpolation), x)
    (theirs,) = onnx_operator(
        "Resize", channels_first(x), None, None, np.array([2, 3, *target]),
        coordinate_transformation_mode="half_pixel", **ONNX[interpolation],
    )  # fmt: skip
    np.testing.assert_allclose(ours, channels_last(theirs), rtol=0, atol=2e-6)  # ONNX computes coordinates in float32


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_onnx_averages_over_the_same_pixels_away_from_the_border(interpolation: str) -> None:
    """At the border ONNX repeats the outermost pixel."""
    x = normal(40)
    (theirs,) = onnx_operator(
        "Resize", x, None, None, np.array([10]),
        coordinate_transformation_mode="half_pixel", antialias=1, **ONNX[interpolation],
    )  # fmt: skip
    np.testing.assert_allclose(interpolated(x, 0, 10, interpolation, antialias=True)[2:8], theirs[2:8], rtol=1e-12)


@pytest.mark.parametrize(
    ("image", "made", "settled"),
    [
        ([[1, 2]], 2, 2),  # 1.5: either is right
        ([[1, 2]], 1, 1),
        ([[1, 2]], 3, 2),
        ([[1, 3]], 3, 2),  # 2.0
        ([[250, 251]], 250, 250),
    ],
)
def test_what_is_halfway_between_two_integers_may_be_either(image: list[list[int]], made: int, settled: int) -> None:
    x = np.array(image, np.uint8)[..., None]
    answer = layers.call(Call(layer="Resizing", config=config(1, 1, antialias=True), inputs=(x,)))
    (found,) = answer.settled([np.full((1, 1, 1), made, np.uint8)])
    assert found.item() == settled
    (other,) = answer.settled([np.zeros((2, 1, 1))])
    assert other is answer.outputs[0], "of another shape, nothing is settled"


@pytest.mark.parametrize("interpolation", KERNELS)
def test_a_kernel_is_1_at_its_own_pixel_and_0_at_all_others(interpolation: str) -> None:
    np.testing.assert_allclose(KERNELS[interpolation](np.arange(-6.0, 7.0)), np.eye(13)[6], atol=1e-15)


@pytest.mark.parametrize(
    ("interpolation", "t", "value"),
    [
        ("bilinear", 0.25, 0.75),
        ("bicubic", 0.5, 0.5625),
        ("bicubic", -1.5, -0.0625),
        ("lanczos3", 0.5, 6.0 / np.pi**2),
        ("lanczos3", 1.5, -4.0 / (3.0 * np.pi**2)),
        ("lanczos5", 2.5, 4.0 / (5.0 * np.pi**2)),
        ("lanczos5", 5.5, 0.0),
    ],
)
def test_kernels_by_hand(interpolation: str, t: float, value: float) -> None:
    assert KERNELS[interpolation](np.array([t]))[0] == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("interpolation", [*KERNELS, "nearest"])
@pytest.mark.parametrize("count", [3, 7, 20])
def test_a_constant_stays(interpolation: str, count: int, antialias: bool) -> None:
    np.testing.assert_allclose(interpolated(np.full(7, 2.5), 0, count, interpolation, antialias), 2.5, rtol=1e-12)


@pytest.mark.parametrize("interpolation", KERNELS)
def test_an_inner_pixel_by_hand(interpolation: str) -> None:
    """Twice as large: output 21 lies at c = 21.5 / 2 - 0.5 = 10.25."""
    x = normal(24)
    weights = KERNELS[interpolation](np.arange(24) - 10.25)
    assert interpolated(x, 0, 48, interpolation)[21] == pytest.approx((weights * x).sum() / weights.sum(), rel=1e-12)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "lanczos3"])
def test_up_sampling_resizes_by_factors(interpolation: str, data_format: str) -> None:
    x = normal(2, 4, 5, 3)
    asked = x if data_format == "channels_last" else channels_first(x)
    layer = {"size": [2, 3], "interpolation": interpolation, "data_format": data_format}
    resized = output("Resizing", config(8, 15, interpolation=interpolation), x)
    expected = resized if data_format == "channels_last" else channels_first(resized)
    np.testing.assert_allclose(output("UpSampling2D", layer, asked), expected, rtol=1e-12)


def test_one_image_is_resized_like_a_batch() -> None:
    x = normal(6, 5, 3)
    assert np.array_equal(output("Resizing", config(4, 7), x), output("Resizing", config(4, 7), x[np.newaxis])[0])


def test_the_middle_is_cut_out() -> None:
    x = np.arange(7.0).reshape(1, 1, 7, 1) + np.arange(2.0).reshape(1, 2, 1, 1) * 10.0
    y = output("Resizing", config(1, 2, crop_to_aspect_ratio=True, interpolation="nearest"), x)
    # 4 columns of 7, from column 1 on; 2 rows of 2
    assert y.ravel().tolist() == [12.0, 14.0]


def test_the_shorter_side_is_padded_evenly() -> None:
    x = np.ones((1, 2, 6, 1))
    y = output("Resizing", config(6, 6, pad_to_aspect_ratio=True, fill_value=7.0, interpolation="nearest"), x)
    assert y[0, :, 0, 0].tolist() == [7.0, 7.0, 1.0, 1.0, 7.0, 7.0] and y.shape == (1, 6, 6, 1)


def test_integers_are_rounded_and_kept_in_range() -> None:
    x = np.array([0, 255, 0, 255, 255], np.uint8).reshape(1, 5, 1)
    exact = output("Resizing", config(1, 9, interpolation="bicubic"), x.astype(float))
    assert exact.max() > 255.0 and exact.min() < 0.0
    whole = output("Resizing", config(1, 9, interpolation="bicubic"), x)
    assert whole.dtype == np.uint8 and np.array_equal(whole, np.clip(np.rint(exact), 0, 255))
    twice = output("UpSampling2D", {"size": 2, "interpolation": "bicubic", "data_format": "channels_last"}, x)
    assert np.array_equal(twice, output("Resizing", config(2, 10, interpolation="bicubic"), x))


def test_what_is_not_defined() -> None:
    with pytest.raises(Undefined, match='the interpolation "area" is not defined'):
        output("Resizing", config(2, 2, interpolation="area"), normal(3, 3, 1))
    with pytest.raises(Undefined, match='its fill_mode is "reflect"'):
        output("Resizing", config(2, 2, pad_to_aspect_ratio=True, fill_mode="reflect"), normal(3, 3, 1))
