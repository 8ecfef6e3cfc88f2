from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from suite.referee import layers
from suite.referee.definition import Answer, Array, Call, Undefined
from tests.referee.calls import normal, output
from tests.referee.onnx_operator import onnx_operator

EPSILON = 2.0**-7  # ONNX keeps it in float32
BATCH: Mapping[str, Any] = {"axis": -1, "momentum": 0.75, "epsilon": EPSILON, "center": True, "scale": True}


def statistics(channels: int) -> dict[str, Array]:
    return {
        "gamma": normal(channels, seed=1),
        "beta": normal(channels, seed=2),
        "moving_mean": normal(channels, seed=3),
        "moving_variance": np.abs(normal(channels, seed=4)) + 0.5,
    }


def batch(x: Array, weights: Mapping[str, Array], training: bool = True, **others: Any) -> Answer:
    masks = others.pop("masks", ())
    config = {**BATCH, **others}
    return layers.call(
        Call(layer="BatchNormalization", config=config, inputs=(x,), weights=weights, training=training, masks=masks)
    )


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(("axis", "shape"), [(1, (4, 3)), (1, (4, 3, 5, 2)), (-1, (4, 5, 3)), (2, (2, 4, 3, 5))])
def test_onnx_normalizes_batches_alike(axis: int, shape: tuple[int, ...], training: bool) -> None:
    x, weights = normal(*shape) * 2.0 + 1.0, statistics(3)
    answer = batch(x, weights, training, axis=axis)
    theirs, *moved = onnx_operator(
        "BatchNormalization", np.moveaxis(x, axis, 1), *weights.values(),
        outputs=3 if training else 1, training_mode=int(training), momentum=0.75, epsilon=EPSILON,
    )  # fmt: skip
    np.testing.assert_allclose(answer.outputs[0], np.moveaxis(theirs, 1, axis), rtol=1e-12, atol=1e-12)
    assert list(answer.state) == ["moving_mean", "moving_variance"][: len(moved)]
    for ours, other in zip(answer.state.values(), moved, strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-12)


def test_a_frozen_layer_uses_and_keeps_its_moving_statistics() -> None:
    x, weights = normal(4, 3), statistics(3)
    frozen = batch(x, weights, trainable=False)
    assert np.array_equal(frozen.outputs[0], batch(x, weights, training=False).outputs[0]) and frozen.state == {}


def test_without_center_and_scale_there_is_neither() -> None:
    x, weights = normal(4, 3), statistics(3)
    plain = {"moving_mean": weights["moving_mean"], "moving_variance": weights["moving_variance"]}
    y = batch(x, plain, center=False, scale=False).outputs[0]
    np.testing.assert_allclose(y * weights["gamma"] + weights["beta"], batch(x, weights).outputs[0], rtol=1e-12)


def test_a_mask_leaves_out_elements_of_the_statistics() -> None:
    x, weights, mask = normal(4, 5, 3), statistics(3), normal(4, 5) > 0.0
    count = mask.sum()
    answer = batch(x, weights, masks=(mask,))
    mean = x[mask].sum(axis=0) / (count + 1e-7)
    variance = ((x[mask] - mean) ** 2).sum(axis=0) / (count + 1e-7)
    np.testing.assert_allclose(answer.state["moving_mean"], weights["moving_mean"] * 0.75 + mean * 0.25, rtol=1e-13)
    expected = (x - mean) / np.sqrt(variance + EPSILON) * weights["gamma"] + weights["beta"]  # of every element
    np.testing.assert_allclose(answer.outputs[0], expected, rtol=1e-12)


RENORM: Mapping[str, Any] = {"renorm": True, "renorm_momentum": 0.5}


def renorm_statistics() -> dict[str, Array]:
    return {
        **statistics(1),
        "moving_stddev": np.array([2.0]),
        "renorm_mean": np.array([0.5]),
        "renorm_stddev": np.array([4.0]),
    }


def test_renormalization_with_free_corrections_normalizes_by_the_running_statistics() -> None:
    """Without clipping, (x - mean) / stddev * r + d is (x - renorm_mean) / renorm_stddev."""
    x, weights = normal(5, 1), renorm_statistics()
    answer = batch(x, weights, **RENORM)
    expected = (x - 0.5) / 4.0 * weights["gamma"] + weights["beta"]
    np.testing.assert_allclose(answer.outputs[0], expected, rtol=1e-12)
    mean, stddev = x.mean(), np.sqrt(x.var() + EPSILON)
    np.testing.assert_allclose(answer.state["renorm_mean"], [0.5 * 0.5 + 0.5 * mean])
    np.testing.assert_allclose(answer.state["renorm_stddev"], [4.0 * 0.5 + 0.5 * stddev])
    moving_stddev = 2.0 * 0.75 + 0.25 * stddev
    np.testing.assert_allclose(answer.state["moving_stddev"], [moving_stddev])
    np.testing.assert_allclose(answer.state["moving_variance"], [moving_stddev**2 - EPSILON])


def test_clipped_to_nothing_renormalization_is_batch_normalization() -> None:
    x, weights = normal(5, 1), renorm_statistics()
    clipped = batch(x, weights, **RENORM, renorm_clipping={"rmin": 1.0, "rmax": 1.0, "dmax": 0.0})
    np.testing.assert_allclose(clipped.outputs[0], batch(x, weights).outputs[0], rtol=1e-12)


def test_renormalization_does_not_divide_by_less_than_epsilon() -> None:
    weights = {**renorm_statistics(), "renorm_stddev": np.zeros(1)}
    y = batch(normal(5, 1), weights, **RENORM).outputs[0]
    np.testing.assert_allclose(y, (normal(5, 1) - 0.5) / np.sqrt(EPSILON) * weights["gamma"] + weights["beta"], rtol=1e-12)


def config(axis: Any, **others: Any) -> Mapping[str, Any]:
    return {"axis": axis, "epsilon": EPSILON, "center": True, "scale": True, **others}


@pytest.mark.parametrize("axis", [-1, [-1], [2, 3], [1, 2, 3], [3, 1, 2]])
def test_onnx_normalizes_layers_alike(axis: Any) -> None:
    x = normal(2, 3, 4, 5) + 1.0
    first = min(at % 4 for at in ([axis] if isinstance(axis, int) else axis))
    gamma, beta = normal(*x.shape[first:], seed=1), normal(*x.shape[first:], seed=2)
    ours = output("LayerNormalization", config(axis), x, weights={"gamma": gamma, "beta": beta})
    (theirs,) = onnx_operator("LayerNormalization", x, gamma, beta, axis=first, epsilon=EPSILON)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_a_layer_may_be_normalized_over_axes_that_are_not_the_last_ones() -> None:
    x, gamma, beta = normal(2, 3, 4, 5), normal(3, 5, seed=1), normal(3, 5, seed=2)
    ours = output("LayerNormalization", config([1, 3]), x, weights={"gamma": gamma, "beta": beta})
    last = output("LayerNormalization", config([2, 3]), x.transpose(0, 2, 1, 3), weights={"gamma": gamma, "beta": beta})
    np.testing.assert_allclose(ours, last.transpose(0, 2, 1, 3), rtol=1e-12)


@pytest.mark.parametrize(("axis", "groups"), [(1, 1), (1, 2), (1, 4), (-1, 2), (2, 2), (1, -1)])
def test_onnx_normalizes_groups_alike(axis: int, groups: int) -> None:
    x, gamma, beta = normal(2, 4, 4, 4), normal(4, seed=1), normal(4, seed=2)
    ours = output("GroupNormalization", config(axis, groups=groups), x, weights={"gamma": gamma, "beta": beta})
    (theirs,) = onnx_operator(
        "GroupNormalization", np.moveaxis(x, axis, 1), gamma, beta,
        num_groups=4 if groups == -1 else groups, epsilon=EPSILON, stash_type=11,
    )  # fmt: skip
    np.testing.assert_allclose(ours, np.moveaxis(theirs, 1, axis), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("axis", [-1, [2, 3]])
def test_onnx_normalizes_by_the_root_mean_square_alike(axis: Any) -> None:
    x = normal(2, 3, 4, 5)
    scale = normal(5) if axis == -1 else normal(4, 5)
    ours = output("RMSNormalization", {"axis": axis, "epsilon": EPSILON}, x, weights={"scale": scale})
    (theirs,) = onnx_operator("RMSNormalization", x, scale, axis=-scale.ndim, epsilon=EPSILON)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_the_scale_of_the_root_mean_square_goes_along_the_axis() -> None:
    x = np.array([[[3.0], [4.0]]])
    ours = output("RMSNormalization", {"axis": 1, "epsilon": 0.0}, x, weights={"scale": np.array([1.0, 10.0])})
    np.testing.assert_allclose(ours.ravel(), [3.0 / np.sqrt(12.5), 40.0 / np.sqrt(12.5)])


def test_onnx_normalizes_to_unit_length_alike() -> None:
    x = normal(2, 3, 4)
    np.testing.assert_allclose(
        output("UnitNormalization", {"axis": 1}, x), onnx_operator("LpNormalization", x, axis=1, p=2)[0], rtol=1e-12
    )


def test_a_vector_of_zeros_stays() -> None:
    assert not output("UnitNormalization", {"axis": [1, 2]}, np.zeros((1, 2, 3))).any()


def spectral(kernel: Array, vector: Array, training: bool = True, iterations: int = 1, name: str = "kernel") -> Answer:
    inner = {"name": "dense", "use_bias": False, "activation": "linear"}
    config = {"layer": {"class_name": "Dense", "config": inner}, "power_iterations": iterations}
    weights = {f"dense/{name}": kernel, "vector_u": vector[np.newaxis]}
    return layers.call(
        Call(layer="SpectralNormalization", config=config, inputs=(np.eye(3),), weights=weights, training=training)
    )


def test_the_spectral_norm_becomes_1() -> None:
    kernel = normal(3, 4)
    answer = spectral(kernel, normal(4), iterations=200)
    np.testing.assert_allclose(answer.outputs[0], kernel / np.linalg.norm(kernel, 2), rtol=1e-9)
    np.testing.assert_allclose(answer.state["dense/kernel"], answer.outputs[0])
    assert answer.state["vector_u"].shape == (1, 4)


def test_one_iteration_by_hand() -> None:
    """W = diag(3, 4) and u = (1, 1) / sqrt(2): v = (3, 4) / 5, u = (9, 16) / |(9, 16)|, sigma = v W uᵀ = |(9, 16)| / 5."""
    kernel = np.zeros((3, 2))
    kernel[0, 0], kernel[1, 1] = 3.0, 4.0
    answer = spectral(kernel, np.array([1.0, 1.0]) / np.sqrt(2.0))
    length = np.hypot(9.0, 16.0)
    np.testing.assert_allclose(answer.state["vector_u"], [[9.0 / length, 16.0 / length]])
    np.testing.assert_allclose(answer.outputs[0], kernel / (length / 5.0))


def test_in_inference_the_wrapped_layer_is_called_as_it_is() -> None:
    kernel = normal(3, 4)
    answer = spectral(kernel, normal(4), training=False)
    assert np.array_equal(answer.outputs[0], kernel) and answer.state == {}


def test_a_kernel_of_zeros_stays() -> None:
    answer = spectral(np.zeros((3, 4)), normal(4))
    assert not answer.outputs[0].any() and answer.state == {}


def test_what_is_not_defined() -> None:
    with pytest.raises(Undefined, match="rms_scaling"):
        output("LayerNormalization", config(-1, rms_scaling=True), normal(2, 3))
    with pytest.raises(Undefined, match=r"over the axes \(1, 2\)"):
        output("GroupNormalization", config([1, 2], groups=1), normal(2, 3, 4))
    with pytest.raises(Undefined, match=r"a weight of shape \(4, 3\) is not of the shape of the axes \[1, 2\]"):
        output("LayerNormalization", config([-1, 1]), normal(2, 3, 4), weights={"gamma": normal(4, 3), "beta": normal(4, 3)})
    with pytest.raises(Undefined, match="neither a kernel nor embeddings"):
        spectral(normal(3, 4), normal(4), name="depthwise_kernel")
