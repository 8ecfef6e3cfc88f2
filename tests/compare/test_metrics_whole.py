"""Distances in blocks against whole-array formulas: at the edges of blocks, of every dtype and layout, in bounded memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from suite.compare import metrics
from suite.compare.metrics import BLOCK
from suite.records import BatchNorm
from tests.compare.arrays import SIZES, Array, double, draw, norm, probabilities


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
