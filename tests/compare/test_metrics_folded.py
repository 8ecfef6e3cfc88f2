"""The distance of batch normalizations folded into their kernels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from suite.compare import metrics
from suite.compare.metrics import BLOCK
from suite.records import BatchNorm
from tests.compare.arrays import NORM, Array, double, draw, layer, norm, one


def whole(side: dict[str, Array], item: BatchNorm, shape: tuple[int, ...] | None) -> Array:
    scale = 1 / np.sqrt(np.maximum(double(side["v"]), 0) + item.epsilon)
    scale = scale * (double(side["g"]) if item.gamma else 1)
    shift = (double(side["c"]) if item.bias else 0) - double(side["m"])
    shift = shift * scale + (double(side["b"]) if item.beta else 0)
    first = double(side["k"]) * scale.reshape(shape) if shape else scale
    return np.concatenate([first.ravel(), shift])


@pytest.mark.parametrize("rows", [1, BLOCK // 6, BLOCK // 6 + 1, BLOCK])
@pytest.mark.parametrize("without", ["", "gamma", "beta", "bias", "kernel"])
def test_folded_equals_whole(rows: int, without: str) -> None:
    fields = {name: getattr(NORM, name) for name in ("name", "mean", "variance", "gamma", "beta", "kernel", "bias")}
    item = BatchNorm(**fields | ({without: ""} if without else {}))
    a, b = layer(0, shape=(rows, 6)), layer(100, shape=(rows, 6))
    x, y = (whole(side, item, (1, 6) if item.kernel else None) for side in (a, b))
    assert metrics.folded(a, b, [item]) == pytest.approx(norm(x - y) / max(norm(x), norm(y)), rel=1e-12)


@pytest.mark.parametrize(
    ("axis", "shape"), [(0, (6, 5, 4)), (1, (5, 6, 4)), (-2, (5, 6, 4)), (2, (5, 6, 6)), (1, (6, 6, 6))]
)
def test_folded_scales_along_the_channel_axis(axis: int, shape: tuple[int, ...]) -> None:
    item = BatchNorm(name="bn", mean="m", variance="v", gamma="g", beta="b", kernel="k", bias="c", axis=axis)
    a, b = layer(0, shape=shape), layer(100, shape=shape)
    check = [1, 1, 1]
    check[axis] = 6
    x, y = whole(a, item, tuple(check)), whole(b, item, tuple(check))
    assert metrics.folded(a, b, [item]) == pytest.approx(norm(x - y) / max(norm(x), norm(y)), rel=1e-12)


def test_folded_sums_over_all_batch_norms() -> None:
    second = BatchNorm(name="other", mean="m2", variance="v2", epsilon=0.0)
    a = {**layer(0), "m2": one(0, 0), "v2": one(1, 1)}
    b = {**a, "m2": one(0, 3)}
    size = norm(whole(b, NORM, (1, 6)))
    assert metrics.folded(a, b, [NORM, second]) == pytest.approx(3 / math.sqrt(size**2 + 2 + 9), rel=1e-12)
    assert metrics.folded(a, a, [NORM, second]) == 0.0 == metrics.folded(a, b, [])


def test_folded_is_free_of_the_gauges() -> None:
    a = {name: double(value) for name, value in layer(0).items()}
    shifted = a | {"c": a["c"] + 7, "m": a["m"] + 7}
    assert metrics.folded(a, shifted, [NORM]) < 1e-14
    item = BatchNorm(name="bn", mean="m", variance="v", gamma="g", beta="b", epsilon=0.0, kernel="k", bias="c")
    scaled = a | {"k": a["k"] * 4, "c": a["c"] * 4, "m": a["m"] * 4, "v": a["v"] * 16}
    assert metrics.folded(a, scaled, [item]) < 1e-14


def test_folded_of_a_negative_variance_is_finite() -> None:
    a, b = layer(0), layer(0)
    b["v"] = -b["v"]
    assert 0 < metrics.folded(a, b, [NORM]) <= 2
    assert 0 < metrics.folded(a, b, [BatchNorm(name="bn", mean="m", variance="v", epsilon=0.0)]) <= 2


def test_folded_says_which_tensor_is_wrong() -> None:
    a = layer(0)
    with pytest.raises(ValueError, match=r"^got no g, wanted every tensor of bn: pass all tensors"):
        metrics.folded(a, {name: value for name, value in a.items() if name != "g"}, [NORM])
    with pytest.raises(ValueError, match=r"^got k of shape \(50, 5\) for the 6 channels of bn, .* along axis -1: name the"):
        metrics.folded({**a, "k": draw(0, 50, 5)}, a, [NORM])
    with pytest.raises(ValueError, match=r"^got arrays of shapes .*, wanted equal shapes"):
        metrics.folded({**a, "g": one(1)}, a, [NORM])
