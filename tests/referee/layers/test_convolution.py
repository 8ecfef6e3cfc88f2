from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy import signal

from suite.referee.definition import Array, Undefined
from tests.referee.calls import channels_first, channels_last, normal, output
from tests.referee.onnx_operator import onnx_operator

SPATIAL = {1: (9,), 2: (8, 7), 3: (5, 6, 4)}
AUTO_PAD = {"valid": "VALID", "same": "SAME_UPPER"}
# Keras allows strides or dilation, and not both.
STEPS = ((1, 1), (2, 1), (3, 1), (1, 2))


def config(size: Any, **others: Any) -> Mapping[str, Any]:
    defaults = {"strides": 1, "dilation_rate": 1, "padding": "valid", "data_format": "channels_last", "use_bias": False}
    return {"kernel_size": size, "activation": "linear", **defaults, **others}


def onnx_kernel(kernel: Array) -> Array:
    """(*size, channels, filters) as ONNX has it: (filters, channels, *size)."""
    return np.moveaxis(kernel, (-1, -2), (0, 1))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("stride", "dilation"), STEPS)
@pytest.mark.parametrize(("axes", "size"), [(1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 2)])
def test_onnx_convolves_alike(axes: int, size: int, stride: int, dilation: int, padding: str, groups: int) -> None:
    x, kernel, bias = normal(2, *SPATIAL[axes], 4), normal(*(size,) * axes, 4 // groups, 6), normal(6)
    ours = output(
        f"Conv{axes}D",
        config(size, strides=stride, dilation_rate=dilation, padding=padding, groups=groups, use_bias=True),
        x,
        weights={"kernel": kernel, "bias": bias},
    )
    steps: Mapping[str, Any] = {"strides": [stride] * axes, "dilations": [dilation] * axes}
    (theirs,) = onnx_operator(
        "Conv", channels_first(x), onnx_kernel(kernel), bias, auto_pad=AUTO_PAD[padding], group=groups, **steps
    )
    np.testing.assert_allclose(ours, channels_last(theirs), rtol=1e-12, atol=1e-12)


def test_scipy_correlates_alike() -> None:
    x, kernel = normal(8, 7), normal(3, 2)
    ours = output("Conv2D", config((3, 2)), x[None, ..., None], weights={"kernel": kernel[..., None, None]})
    np.testing.assert_allclose(ours[0, ..., 0], signal.correlate(x, kernel, mode="valid"), rtol=1e-12, atol=1e-12)


def test_a_causal_convolution_sees_nothing_later() -> None:
    x, kernel = np.arange(1.0, 6.0).reshape(1, 5, 1), np.array([10.0, 1.0]).reshape(2, 1, 1)
    causal = config(2, padding="causal", dilation_rate=2)
    assert output("Conv1D", causal, x, weights={"kernel": kernel}).ravel().tolist() == [1.0, 2.0, 13.0, 24.0, 35.0]


LAYERS: Mapping[str, Mapping[str, Array]] = {
    "Conv2D": {"kernel": normal(3, 2, 4, 6)},
    "Conv2DTranspose": {"kernel": normal(3, 2, 6, 4)},
    "DepthwiseConv2D": {"kernel": normal(3, 2, 4, 2)},
    "SeparableConv2D": {"depthwise_kernel": normal(3, 2, 4, 2), "pointwise_kernel": normal(1, 1, 8, 6)},
}


@pytest.mark.parametrize("layer", LAYERS)
def test_the_data_format_only_moves_the_channels(layer: str) -> None:
    x, (height, width) = normal(2, 8, 7, 4), (3, 2)
    last = output(layer, config((height, width), strides=2, padding="same"), x, weights=LAYERS[layer])
    first = config((height, width), strides=2, padding="same", data_format="channels_first")
    assert np.array_equal(output(layer, first, channels_first(x), weights=LAYERS[layer]), channels_first(last))


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_bias_goes_to_the_channels_and_the_activation_comes_last(layer: str, data_format: str) -> None:
    x = normal(2, 8, 7, 4) if data_format == "channels_last" else normal(2, 4, 8, 7)
    plain = output(layer, config((3, 2), data_format=data_format), x, weights=LAYERS[layer])
    bias = normal(8 if layer == "DepthwiseConv2D" else 6)
    shape = (1, 1, 1, -1) if data_format == "channels_last" else (1, -1, 1, 1)
    activated = config((3, 2), data_format=data_format, use_bias=True, activation="softmax")
    powers = np.exp(plain + bias.reshape(shape))
    expected = powers / powers.sum(axis=-1, keepdims=True)  # along the last axis, whatever it is
    np.testing.assert_allclose(output(layer, activated, x, weights={**LAYERS[layer], "bias": bias}), expected, rtol=1e-12)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("stride", "dilation"), STEPS)
@pytest.mark.parametrize("axes", [1, 2])
def test_a_depthwise_convolution_has_one_group_for_each_channel(axes: int, stride: int, dilation: int, padding: str) -> None:
    x, kernel = normal(2, *SPATIAL[axes], 3), normal(*(3,) * axes, 3, 2)
    steps = config(3, strides=stride, dilation_rate=dilation, padding=padding)
    ours = output(f"DepthwiseConv{axes}D", steps, x, weights={"kernel": kernel})
    filters = kernel.reshape(*(3,) * axes, 1, 6)  # channel 0 has the first two filters
    (theirs,) = onnx_operator(
        "Conv", channels_first(x), onnx_kernel(filters), auto_pad=AUTO_PAD[padding], group=3,
        strides=[stride] * axes, dilations=[dilation] * axes,
    )  # fmt: skip
    np.testing.assert_allclose(ours, channels_last(theirs), rtol=1e-12, atol=1e-12)


def test_a_separable_convolution_mixes_what_a_depthwise_one_gives() -> None:
    x, depthwise, pointwise = normal(2, 8, 7, 3), normal(3, 3, 3, 2), normal(1, 1, 6, 5)
    weights = {"depthwise_kernel": depthwise, "pointwise_kernel": pointwise}
    ours = output("SeparableConv2D", config(3, strides=2, padding="same"), x, weights=weights)
    between = output("DepthwiseConv2D", config(3, strides=2, padding="same"), x, weights={"kernel": depthwise})
    np.testing.assert_allclose(
        ours, output("Conv2D", config(1), between, weights={"kernel": pointwise}), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize(("stride", "dilation"), STEPS)
@pytest.mark.parametrize(("axes", "size"), [(1, 1), (1, 2), (1, 3), (2, 2), (3, 2)])
def test_onnx_transposes_valid_convolutions_alike(axes: int, size: int, stride: int, dilation: int) -> None:
    x, kernel, bias = normal(2, *SPATIAL[axes], 4), normal(*(size,) * axes, 6, 4), normal(6)
    padding = stride - 1
    ours = output(
        f"Conv{axes}DTranspose",
        config(size, strides=stride, dilation_rate=dilation, output_padding=padding, use_bias=True),
        x,
        weights={"kernel": kernel, "bias": bias},
    )
    (theirs,) = onnx_operator(
        "ConvTranspose", channels_first(x), onnx_kernel(kernel), bias,
        strides=[stride] * axes, dilations=[dilation] * axes, output_padding=[padding] * axes,
    )  # fmt: skip
    np.testing.assert_allclose(ours, channels_last(theirs), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("stride", "dilation"), STEPS)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_a_transposed_convolution_is_the_adjoint_of_the_convolution(
    size: int, stride: int, dilation: int, padding: str
) -> None:
    """<transposed(x), z> = <x, convolved(z)> for every z."""
    kernel = normal(size, size, 2, 3)
    steps = config(size, strides=stride, dilation_rate=dilation, padding=padding)
    for output_padding in (None, *range(stride)):
        x = normal(2, 5, 4, 3)
        transposed = {**steps, "output_padding": output_padding}
        y = output("Conv2DTranspose", transposed, x, weights={"kernel": kernel})
        reach = (size - 1) * dilation + 1
        if padding == "same" and output_padding is not None and not 0 < reach % 2 + output_padding <= stride:
            continue  # no "same" convolution has so few outputs: what Keras computes is the adjoint of none
        z = normal(*y.shape, seed=1)
        convolved = output("Conv2D", steps, z, weights={"kernel": kernel})
        assert np.vdot(y, z) == pytest.approx(np.vdot(x, convolved), rel=1e-12, abs=1e-10)


@pytest.mark.parametrize(
    ("size", "stride", "padding", "output_padding", "length"),
    [
        (3, 2, "valid", None, 9), (1, 3, "valid", None, 12), (3, 2, "valid", 1, 10), (3, 2, "same", None, 8),
        (3, 2, "same", 0, 7), (3, 2, "same", 1, 8), (4, 3, "same", 2, 11), (2, 3, "same", None, 12),
    ],
)  # fmt: skip
def test_the_length_of_a_transposed_convolution(
    size: int, stride: int, padding: str, output_padding: int | None, length: int
) -> None:
    steps = config(size, strides=stride, padding=padding, output_padding=output_padding)
    assert output("Conv1DTranspose", steps, normal(1, 4, 1), weights={"kernel": normal(size, 1, 1)}).shape == (1, length, 1)


def test_what_a_transposed_convolution_does_not_reach_is_zero() -> None:
    x, kernel = np.array([1.0, 2.0]).reshape(1, 2, 1), np.ones((1, 1, 1))
    y = output("Conv1DTranspose", config(1, strides=3), x, weights={"kernel": kernel})
    assert y.ravel().tolist() == [1.0, 0.0, 0.0, 2.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("others", "why"),
    [
        ({"lora_rank": 4}, "low-rank adapters"),
        ({"dtype": "int8_from_float32"}, "quantized weights"),
        ({"dtype": {"class_name": "QuantizedDTypePolicy", "config": {"mode": "int8"}}}, "quantized weights"),
        ({"padding": "causal"}, 'its padding is "causal"'),
    ],
)
def test_what_is_not_defined(others: Mapping[str, Any], why: str) -> None:
    with pytest.raises(Undefined, match=why):
        output("Conv1DTranspose", config(2, **others), normal(1, 4, 1), weights={"kernel": normal(2, 1, 1)})


def test_an_input_with_more_axes_is_not_defined() -> None:
    with pytest.raises(Undefined, match="its input has 4 axes, and 3 are defined"):
        output("Conv1D", config((2,)), normal(1, 2, 4, 1), weights={"kernel": normal(2, 1, 1)})
