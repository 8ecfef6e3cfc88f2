"""Distances against whole-array formulas, known values, odd numbers, odd layouts and block boundaries."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from suite.compare import metrics
from suite.compare.metrics import BLOCK, METRICS
from suite.records import QUANTITIES, BatchNorm

Array = np.ndarray
SIZES = (1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 7)
NAN = math.nan


def draw(seed: int, *shape: int, dtype: Any = np.float32) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def double(a: Array) -> Array:
    return a.astype(np.float64)


def norm(a: Array) -> float:
    return float(np.sqrt(np.sum(double(a) ** 2)))


def probabilities(seed: int, rows: int, classes: int) -> Array:
    return np.random.default_rng(seed).dirichlet(np.ones(classes), size=rows)


# ---------------------------------------------------------------- bits and finite


def test_bits_sees_every_byte() -> None:
    a = draw(0, 2 * BLOCK + 3)
    for place in (0, BLOCK - 1, BLOCK, 2 * BLOCK + 2):
        b = a.copy()
        b[place] = np.nextafter(b[place], np.float32(np.inf))
        assert metrics.bits(a, a.copy()) and not metrics.bits(a, b)


def test_bits_tells_signs_of_zero_and_payloads_of_nan_apart() -> None:
    assert not metrics.bits(np.array([0.0]), np.array([-0.0]))
    quiet, other = np.array([0x7FC00000, 0x7FC00001], np.uint32).view(np.float32).reshape(2, 1)
    assert metrics.bits(quiet, quiet.copy()) and not metrics.bits(quiet, other)


def test_bits_needs_the_same_shape_and_dtype() -> None:
    a = np.zeros(4, np.float32)
    assert not metrics.bits(a, a.reshape(2, 2))
    assert not metrics.bits(a, a.astype(np.float64))
    assert not metrics.bits(a, a.view(np.int32))
    assert not metrics.bits(np.zeros((0, 2)), np.zeros((0, 3)))
    assert metrics.bits(np.zeros((0, 2)), np.zeros((0, 2)))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.int64, np.bool_, np.complex64])
def test_bits_and_layouts(dtype: Any) -> None:
    a = draw(1, 300, 70).astype(dtype)
    assert metrics.bits(a, np.asfortranarray(a)) and metrics.bits(a[::2, ::3], a[::2, ::3].copy())
    b = a.copy()
    b[298, 69] = 1 if b[298, 69] == 0 else 0
    assert not metrics.bits(a, np.asfortranarray(b)) and not metrics.bits(a[::2, ::3], b[::2, ::3])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, BLOCK - 1, BLOCK, -1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, ml_dtypes.bfloat16])
def test_finite(wrong: float, place: int, dtype: Any) -> None:
    a = np.zeros(BLOCK + 5, dtype)
    assert metrics.finite(a)
    a[place] = wrong
    assert not metrics.finite(a)


def test_finite_of_integers_and_of_nothing() -> None:
    assert metrics.finite(np.arange(3)) and metrics.finite(np.empty((0, 3), np.float32))


# ---------------------------------------------------------------- against whole arrays


@pytest.mark.parametrize("size", SIZES)
def test_blocked_equals_whole(size: int) -> None:
    a, b, start = (draw(seed, size) for seed in range(3))
    apart, x, y = norm(double(a) - double(b)), norm(double(a) - double(start)), norm(double(b) - double(start))
    assert metrics.relative_l2(a, b) == pytest.approx(apart / max(norm(a), norm(b)), rel=1e-12)
    assert metrics.values(a, b) == metrics.relative_l2(a, b)
    assert metrics.max_abs(a, b) == np.abs(double(a) - double(b)).max()
    assert metrics.pmax(a, b) == metrics.max_abs(a, b)
    assert metrics.train({"w": a}, {"w": b}, {"w": start}) == pytest.approx(apart / max(x, y), rel=1e-12)
    assert metrics.tensor(a, b, start, 0.0) == pytest.approx(apart / max(x, y), rel=1e-12)
    assert metrics.rms_travelled({"w": a}, {"w": start}) == pytest.approx(x / size**0.5, rel=1e-12)
    assert metrics.slots({"w/m": a}, {"w/m": b}) == pytest.approx(apart / max(norm(a), norm(b)), rel=1e-12)
    unit = float(np.spacing(max(np.abs(a).max(), np.abs(b).max())))
    assert metrics.ulp(a, b) == pytest.approx(np.abs(double(a) - double(b)).max() / unit, rel=1e-12)


@pytest.mark.parametrize("rows", [1, BLOCK // 3 - 1, BLOCK // 3, BLOCK // 3 + 1, BLOCK])
def test_predictions_equal_whole(rows: int) -> None:
    p, q = probabilities(0, rows, 3), probabilities(1, rows, 3)
    middle = (p + q) / 2
    divergence = (p * np.log(p / middle) + q * np.log(q / middle)).sum(axis=1) / 2
    assert metrics.tv(p, q) == pytest.approx((np.abs(p - q).sum(axis=1) / 2).mean(), rel=1e-12)
    assert metrics.js(p, q) == pytest.approx(divergence.mean(), rel=1e-9)
    changed = p.argmax(axis=1) != q.argmax(axis=1)
    assert metrics.churn(p, q)[0] == pytest.approx(changed.mean(), rel=1e-12)
    logits = draw(2, rows, 3)
    powers = np.exp(double(logits))
    np.testing.assert_allclose(metrics.softmax(logits), powers / powers.sum(axis=1, keepdims=True), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64, np.int32, np.bool_])
def test_every_dtype_is_upcast_first(dtype: Any) -> None:
    a, b = ((draw(seed, 999) > 0) if dtype is np.bool_ else (3 * draw(seed, 999)).astype(dtype) for seed in (0, 1))
    apart = double(a) - double(b)
    assert metrics.relative_l2(a, b) == pytest.approx(norm(apart) / max(norm(a), norm(b)), rel=1e-12)
    assert metrics.max_abs(a, b) == np.abs(apart).max()


def test_layout_and_mapping_change_nothing(tmp_path: Path) -> None:
    a, b = draw(0, 300, 70), draw(1, 300, 70)
    a.tofile(tmp_path / "a")
    mapped = np.memmap(tmp_path / "a", np.float32, "r", shape=(300, 70))
    whole = metrics.relative_l2(a, b)
    assert whole == metrics.relative_l2(mapped, b)
    assert whole == pytest.approx(metrics.relative_l2(np.asfortranarray(a), b), rel=1e-14)  # other blocks, other sums
    assert metrics.max_abs(a[::2, 5:], b[::2, 5:]) == metrics.max_abs(a[::2, 5:].copy(), b[::2, 5:].copy())
    assert metrics.relative_l2(a[0, 0], b[0, 0]) == pytest.approx(abs(a[0, 0] - b[0, 0]) / max(abs(a[0, 0]), abs(b[0, 0])))


def test_memory_does_not_grow() -> None:
    a = np.ones(20_000_000, np.float32)
    b, start = a + np.float32(1e-6), np.zeros_like(a)
    norms = [BatchNorm(name="bn", mean="m", variance="v", kernel="k")]
    small = {"m": np.zeros(10, np.float32), "v": np.ones(10, np.float32)}
    sides = small | {"k": a.reshape(-1, 10)}, small | {"k": b.reshape(-1, 10)}
    logits = a.reshape(-1, 10)
    tracemalloc.start()
    try:
        of_arrays: list[Callable[[Array, Array], object]] = [metrics.bits, metrics.ulp, metrics.values, metrics.max_abs]
        of_rows: list[Callable[[Array, Array], object]] = [metrics.pmax, metrics.tv, metrics.js, metrics.churn]
        for distance in of_arrays:
            distance(a, b)
        for distance in of_rows:
            distance(logits, logits)
        assert metrics.finite(a)
        metrics.train({"w": a}, {"w": b}, {"w": start})
        metrics.tensor(a, b, start, 1.0)
        metrics.slots({"w": a}, {"w": b})
        metrics.folded(*sides, norms)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6


# ---------------------------------------------------------------- known values


def one(*numbers: float, dtype: Any = np.float32) -> Array:
    return np.array(numbers, dtype)


def test_train_is_the_share_of_the_distance_travelled() -> None:
    start = {"k": one(1, 1), "g": one(5)}
    a, b = {"k": one(4, 5), "g": one(5)}, {"k": one(4, 5), "g": one(17)}
    assert metrics.train(a, b, start) == pytest.approx(12 / 13)  # ‖a-w0‖ = 5, ‖b-w0‖ = 13
    assert metrics.train(a, a, start) == 0.0
    assert metrics.train(start, start, start) == 0.0
    assert metrics.train(start, a, start) == 1.0
    assert metrics.train({}, {}, {}) == 0.0


def test_train_of_the_smallest_difference_is_not_zero() -> None:
    start = {"w": np.zeros(3)}
    assert metrics.train({"w": one(5e-324, 0, 0, dtype=np.float64)}, start, start) == 1.0
    assert (
        metrics.train({"w": one(1e-200, 0, 0, dtype=np.float64)}, {"w": one(2e-200, 0, 0, dtype=np.float64)}, start) == 0.5
    )


def test_tensor_has_a_least_denominator() -> None:
    start, a, b = np.zeros(4, np.float32), one(0, 0, 0, 1), one(0, 0, 0, 2)
    assert metrics.tensor(a, b, start, 1.0) == 0.5  # 1 / 2: it travelled more than 1e-3 of the model
    assert metrics.tensor(a, b, start, 1e4) == pytest.approx(1 / 20)  # 1e-3 · 1e4 · sqrt(4)
    assert metrics.tensor(a, a, a, 0.0) == 0.0


def test_rms_travelled() -> None:
    assert metrics.rms_travelled({"a": one(3, 0), "b": one(4, 0), "c": one(9)}, {"a": one(0, 0), "b": one(0, 0)}) == 2.5
    assert metrics.rms_travelled({}, {}) == 0.0


def test_mean_is_whitened() -> None:
    a, b, variance = one(1, 10), one(1.5, 12), one(0.24, 3.99)
    assert metrics.mean(a, b, variance, 0.01) == pytest.approx(1.0)
    assert metrics.mean(a, a, variance, 0.01) == 0.0
    assert metrics.mean(one(0.0), one(0.5), one(-3), 0.25) == 1.0  # a one-pass variance can be negative
    assert math.isfinite(metrics.mean(one(0.0), one(1), one(0), 0.0))


def test_var_is_relative_to_the_larger_side() -> None:
    assert metrics.var(one(1, 4), one(1.5, 4), 0.5) == 0.25
    assert metrics.var(one(1.5, 4), one(1, 4), 0.5) == 0.25
    assert metrics.var(one(-0.25), one(-0.75), 0.5) == 1.0
    assert metrics.var(one(2), one(2), 0.0) == 0.0 == metrics.var(one(0), one(0), 0.0)


def test_ulp_counts_units_of_the_largest_element() -> None:
    a = one(1.0, 1e-6)
    b = a.copy()
    b[0] += 3 * np.float32(2**-23)
    assert metrics.ulp(a, b) == 3.0
    assert metrics.ulp(double(a), double(b)) == 3 * 2**29
    assert metrics.ulp(a, one(1.0, 0.0)) == pytest.approx(1e-6 * 2**23)
    assert metrics.ulp(one(1.0, dtype=ml_dtypes.bfloat16), one(1.0078125, dtype=ml_dtypes.bfloat16)) == 1.0
    assert metrics.ulp(one(2.0, dtype=np.float16), one(2 + 2**-9, dtype=np.float16)) == 1.0
    assert metrics.ulp(one(0, 0), one(0, 0)) == 0.0
    denormal = np.array([3, 7], np.uint32).view(np.float32)
    assert metrics.ulp(denormal, denormal[::-1]) == 4.0


def test_slots_takes_the_worst_kind() -> None:
    a = {"k/momentum": one(100), "g/momentum": one(0), "k/velocity": one(0.001)}
    b = {"k/momentum": one(100), "g/momentum": one(1), "k/velocity": one(0.002)}
    assert metrics.slots(a, b) == pytest.approx(0.5)
    assert metrics.slots(a, a) == 0.0 == metrics.slots({}, {})
    b["k/velocity"] = one(0.001)
    assert metrics.slots(a, b) == pytest.approx(1 / math.hypot(100, 1))  # of its kind, not of its tensor


def test_state_is_the_worst_variable() -> None:
    a = {"big": one(100), "small": one(1), "counter": np.array([7], np.uint32)}
    b = {"big": one(101), "small": one(2), "counter": np.array([7], np.uint32)}
    assert metrics.state(a, b) == metrics.state(b, a) == 0.5
    assert metrics.state({}, {}) == 0.0
    with pytest.raises(ValueError, match=r"^got big on one side only"):
        metrics.state(a, {"small": one(1), "counter": one(1)})


def test_loss_is_the_worst_step() -> None:
    assert metrics.loss([1.0, 2.0, 0.0], [1.0, 1.5, 0.0]) == 0.25
    assert metrics.loss(one(-1.0), one(1.0)) == 2.0
    assert metrics.loss([], []) == 0.0


def test_pmax_and_max_abs() -> None:
    p, q = np.array([[0.5, 0.5], [0.1, 0.9]]), np.array([[0.5, 0.5], [0.4, 0.6]])
    assert metrics.pmax(p, q) == metrics.max_abs(p, q) == pytest.approx(0.3)
    assert metrics.max_abs(one(1, 2), one(-3, 2)) == metrics.max_abs(one(-3, 2), one(1, 2)) == 4.0


def test_values_is_relative() -> None:
    assert metrics.values(one(3, 0), one(3, 4)) == 0.8
    assert metrics.values(one(0), one(0)) == 0.0
    assert metrics.values(one(-1), one(1)) == 2.0


def test_tv_and_js_of_disjoint_and_equal_rows() -> None:
    p, q = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])
    assert metrics.tv(p, q) == 0.5
    assert metrics.js(p, q) == pytest.approx(math.log(2) / 2)
    assert metrics.tv(p, p) == metrics.js(p, p) == 0.0
    assert metrics.tv(p[:, None], q[:, None]) == 0.5  # (rows, positions, classes)


def test_js_keeps_its_digits() -> None:
    p, q = np.array([[0.5, 0.5]]), np.array([[0.5 + 1e-9, 0.5 - 1e-9]])
    assert metrics.js(p, q) == pytest.approx(1e-18 / 2, rel=1e-6)  # Σ (p-q)² / (8 p)


def test_one_column_is_two_classes() -> None:
    logits = one(-3, 0.0, 3).reshape(3, 1)
    p = metrics.softmax(logits)
    np.testing.assert_allclose(p[:, 1], 1 / (1 + np.exp(-double(logits[:, 0]))), rtol=1e-14)
    q = p[::-1]
    for distance in (metrics.tv, metrics.js, metrics.pmax):
        assert distance(p[:, 1:], q[:, 1:]) == pytest.approx(distance(p, q))
    assert metrics.churn(p[:, 1:], q[:, 1:])[0] == pytest.approx(2 / 3)


def test_softmax_is_stable() -> None:
    np.testing.assert_array_equal(metrics.softmax(one(1e4, 0, -np.inf).reshape(1, 3)), [[1.0, 0.0, 0.0]])
    assert metrics.softmax(np.empty((0, 3), np.float32)).shape == (0, 3)
    assert metrics.softmax(np.zeros((2, 3, 4), np.float32)).shape == (2, 3, 4)
    assert metrics.softmax(np.zeros((2, 3), np.float16)).dtype == np.float64


def test_churn_and_explained() -> None:
    near = np.array([[0.501, 0.499], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9]])
    moved = np.array([[0.499, 0.501], [0.71, 0.29], [0.2, 0.8], [0.1, 0.9]])
    assert metrics.churn(near, moved) == (0.25, 1.0)  # margin 0.004, others moved by 0.03
    far = moved.copy()
    far[1] = 0.3, 0.7  # margin 0.85: no unchanged row moved
    assert metrics.churn(near, far) == (0.5, 0.0)
    assert metrics.churn(near, near) == (0.0, 1.0)
    assert metrics.churn(np.empty((0, 3)), np.empty((0, 3))) == (0.0, 1.0)


def test_probabilities_that_a_kernel_flushed_to_zero_explain_nothing() -> None:
    p, q = np.array([[0.9, 0.1], [1.0, 1e-45]]), np.array([[0.1, 0.9], [1.0, 0.0]])
    assert metrics.churn(p, q) == (0.5, 0.0)


def test_explained_takes_the_larger_margin_and_twice_the_reach() -> None:
    logits = np.array([[0.10, 0.0], [3.0, 0.0]])
    reach = 0.1  # the second row's log p of its smaller class moves by about this
    for other, share in ((-0.05, 1.0), (-0.5, 0.0)):
        p = metrics.softmax(logits)
        q = metrics.softmax(np.array([[other, 0.0], [3.0 + reach, 0.0]]))
        assert metrics.churn(p, q) == metrics.churn(q, p) == (0.5, share)


# ---------------------------------------------------------------- folded

NORM = BatchNorm(name="bn", mean="m", variance="v", gamma="g", beta="b", epsilon=1e-3, kernel="k", bias="c", axis=-1)


def layer(seed: int, channels: int = 6, shape: tuple[int, ...] = (50, 6)) -> dict[str, Array]:
    names = {name: draw(seed + place, channels) for place, name in enumerate("mgbc")}
    return names | {"v": np.abs(draw(seed + 9, channels)), "k": draw(seed + 10, *shape)}


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


# ---------------------------------------------------------------- every distance

Distance = Callable[[Array, Array], float]
PLAIN = BatchNorm(name="bn", mean="m", variance="v", kernel="k")


def fold(a: Array, b: Array) -> float:
    still = {"m": np.zeros(a.size), "v": np.ones(a.size)}
    return metrics.folded({**still, "k": a}, {**still, "k": b}, [PLAIN])


def start(a: Array) -> Array:
    return np.full_like(a, 0.25)


DISTANCES: dict[str, Distance] = {
    "train": lambda a, b: metrics.train({"w": a}, {"w": b}, {"w": start(a)}),
    "tensor": lambda a, b: metrics.tensor(a, b, start(a), 0.5),
    "ulp": metrics.ulp,
    "mean": lambda a, b: metrics.mean(a, b, np.ones(a.size), 1e-3),
    "var": lambda a, b: metrics.var(a, b, 1e-3),
    "folded": fold,
    "slots": lambda a, b: metrics.slots({"w": a}, {"w": b}),
    "state": lambda a, b: metrics.state({"w": a}, {"w": b}),
    "loss": metrics.loss,
    "pmax": metrics.pmax,
    "tv": lambda a, b: metrics.tv(a.reshape(1, -1), b.reshape(1, -1)),
    "js": lambda a, b: metrics.js(a.reshape(1, -1), b.reshape(1, -1)),
    "churn": lambda a, b: metrics.churn(a.reshape(1, -1), b.reshape(1, -1))[0],
    "explained": lambda a, b: metrics.churn(a.reshape(1, -1), b.reshape(1, -1))[1],
    "values": metrics.values,
    "max_abs": metrics.max_abs,
}
EVERY = pytest.mark.parametrize("name", DISTANCES)
floats = hnp.arrays(np.float32, st.integers(2, 9), elements=st.floats(0, 1, width=32))


@EVERY
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_symmetric_finite_and_zero_for_equal(name: str, data: st.DataObject) -> None:
    a = data.draw(floats)
    b = data.draw(hnp.arrays(np.float32, a.shape, elements=st.floats(0, 1, width=32)))
    distance = DISTANCES[name]
    assert distance(a, b) == distance(b, a)
    assert math.isfinite(distance(a, b)) and distance(a, b) >= 0
    assert distance(a, a) == (1.0 if name == "explained" else 0.0)
    if name not in ("churn", "explained", "js") and not np.array_equal(a, b):
        assert distance(a, b) > 0


@pytest.mark.parametrize("name", ["train", "tensor", "slots", "state", "values", "folded"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_relative_distances_are_at_most_two(name: str, data: st.DataObject) -> None:
    numbers = st.floats(-1e300, 1e300)
    a = data.draw(hnp.arrays(np.float64, 4, elements=numbers))
    b = data.draw(hnp.arrays(np.float64, 4, elements=numbers))
    assert 0 <= DISTANCES[name](a, b) <= 2 + 1e-12


@EVERY
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, BLOCK + 1])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_nan_and_infinity_never_agree(name: str, wrong: float, place: int) -> None:
    a = np.full(2 * BLOCK, 0.5, np.float32)
    b = a.copy()
    b[place] = wrong
    for distance in (DISTANCES[name](a, b), DISTANCES[name](b, a), DISTANCES[name](b, b)):
        assert not math.isfinite(distance)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_references_that_are_not_finite_never_agree() -> None:
    assert math.isnan(metrics.mean(one(0), one(1), one(np.inf), 1e-3))
    assert math.isnan(metrics.train({"w": one(1)}, {"w": one(2)}, {"w": one(np.inf)}))
    a, b = layer(0), layer(0)
    a["v"][0] = b["v"][0] = np.inf
    assert math.isnan(metrics.folded(a, b, [NORM]))


def test_signs_of_zero_are_equal_numbers() -> None:
    a, b = np.zeros(4, np.float32), -np.zeros(4, np.float32)
    for name, distance in DISTANCES.items():
        assert distance(a, b) == (1.0 if name == "explained" else 0.0), name


def test_nothing_is_at_no_distance() -> None:
    a = np.empty(0, np.float32)
    for name in ("train", "tensor", "ulp", "mean", "var", "folded", "slots", "loss", "pmax", "values", "max_abs"):
        assert DISTANCES[name](a, a) == 0.0, name


def test_denormals_are_seen() -> None:
    a, b = np.zeros(3, np.float32), np.array([1, 0, 0], np.uint32).view(np.float32)
    for name in ("ulp", "mean", "var", "slots", "state", "loss", "pmax", "tv", "values", "max_abs", "folded"):
        assert DISTANCES[name](a, b) > 0, name


# ---------------------------------------------------------------- errors are sentences


@pytest.mark.parametrize("name", sorted(DISTANCES.keys() - {"tv", "js", "churn", "explained", "loss", "mean"}))
def test_shapes_that_differ_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"^got .* \(2,\) and .*, wanted .*: .+|^got k of shape"):
        DISTANCES[name](one(1, 2), one(1))


def test_errors_say_what_to_do() -> None:
    rows = np.ones((2, 3))
    with pytest.raises(
        ValueError, match=r"^got arrays of shapes \(2,\) and \(1,\) and \(1,\), wanted equal shapes: compare"
    ):
        metrics.mean(one(1, 2), one(1), one(1), 0.1)
    with pytest.raises(ValueError, match=r"^got losses of 2 and of 1 steps, wanted as many: cut"):
        metrics.loss([1, 2], [1])
    with pytest.raises(ValueError, match=r"^got x on one side only, wanted the same names on all: choose"):
        metrics.train({"w": one(1), "x": one(1)}, {"w": one(1)}, {"w": one(1), "x": one(1)})
    with pytest.raises(ValueError, match=r"^got x on one side only"):
        metrics.slots({"w": one(1)}, {"w": one(1), "x": one(1)})
    with pytest.raises(ValueError, match=r"^got an array of complex64, wanted real numbers that float64 holds: convert"):
        metrics.values(np.ones(2, np.complex64), np.ones(2, np.complex64))
    for distance in (metrics.tv, metrics.js, metrics.churn):
        with pytest.raises(ValueError, match=r"^got arrays of shapes \(2, 3\) and \(2, 2\), wanted equal shapes"):
            distance(rows, rows[:, :2])
        with pytest.raises(ValueError, match=r"^got predictions of shape \(3,\), wanted \(rows, classes\): declare"):
            distance(rows[0], rows[0])


def test_folded_says_which_tensor_is_wrong() -> None:
    a = layer(0)
    with pytest.raises(ValueError, match=r"^got no g, wanted every tensor of bn: pass all tensors"):
        metrics.folded(a, {name: value for name, value in a.items() if name != "g"}, [NORM])
    with pytest.raises(ValueError, match=r"^got k of shape \(50, 5\) for the 6 channels of bn, .* along axis -1: name the"):
        metrics.folded({**a, "k": draw(0, 50, 5)}, a, [NORM])
    with pytest.raises(ValueError, match=r"^got arrays of shapes .*, wanted equal shapes"):
        metrics.folded({**a, "g": one(1)}, a, [NORM])


# ---------------------------------------------------------------- the registry is complete

FLOORS = {
    "train": 2e-6, "mean": 1e-7, "var": 3e-7, "folded": 1e-6, "slots": 1e-6, "state": 1e-6, "loss": 2e-7,
    "pmax": 5e-7, "tv": 5e-7, "values": 1e-6,
}  # fmt: skip


@EVERY
def test_every_metric_is_documented_and_tested(name: str) -> None:
    metric = METRICS[name]
    function = metrics.churn if name == "explained" else getattr(metrics, name)
    assert metric.formula in " ".join((function.__doc__ or "").split())
    assert [test for test in globals() if test.startswith("test_") and name in test], f"no test of {name}"
    assert metric.quantity in QUANTITIES
    assert metric.why and metric.judged == (metric.floor > 0) == (name in FLOORS)
    assert metric.floor == FLOORS.get(name, 0.0)


def test_every_metric_has_a_distance() -> None:
    assert METRICS.keys() == DISTANCES.keys()


def test_a_histogram_counts_elements_by_units_in_the_last_place() -> None:
    a = one(1.0, 1.0, 1.0, 0.0, 1.0)
    unit = float(np.spacing(np.float32(1.0)))
    b = a + one(0.0, unit, 4 * unit, unit / 4, 7 * unit)
    found = metrics.ulp_histogram(a, b)
    assert {place: count for place, count in enumerate(found) if count} == {0: 1, 1: 1, 2: 1, 4: 2}


def test_a_histogram_has_every_element_and_negative_zero_is_zero() -> None:
    a, b = one(0.0, -0.0, 1e-30, 3.0).reshape(2, 2), one(-0.0, 0.0, 2e-30, 1e30).reshape(2, 2)
    found = metrics.ulp_histogram(a, b)
    assert (sum(found), found[0]) == (4, 2)
    assert not any(metrics.ulp_histogram(one(), one()))
