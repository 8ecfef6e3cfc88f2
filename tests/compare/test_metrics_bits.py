"""Distances that count: bits, elements that are not finite, and units in the last place."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from suite.compare import metrics
from suite.compare.metrics import BLOCK
from tests.compare.arrays import double, draw, one


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
