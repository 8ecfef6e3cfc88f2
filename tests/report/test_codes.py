"""Distances as bytes: nothing that differs is drawn as equal, and what is drawn is close to what was measured."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.report import codes


@given(st.floats(min_value=1e-12, max_value=1e3))
def test_a_code_is_within_four_percent_of_the_distance(value: float) -> None:
    (code,) = codes.encode([value])
    assert codes.SMALLEST <= code <= codes.LARGEST
    assert codes.decode(code) == pytest.approx(value, rel=0.075)


@given(st.integers(codes.EQUAL, codes.LARGEST))
def test_every_code_comes_back(code: int) -> None:
    assert codes.encode([codes.decode(code)]) == bytes([code])


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0.0, codes.EQUAL),
        (-0.0, codes.EQUAL),
        (5e-324, codes.SMALLEST),
        (1e-300, codes.SMALLEST),
        (1e300, codes.LARGEST),
        (codes.NOT_THERE, codes.MISSING),
        (math.nan, codes.INVALID),
        (math.inf, codes.INVALID),
    ],
)
def test_the_ends_of_the_scale(value: float, code: int) -> None:
    assert codes.encode([value]) == bytes([code])


def test_nothing_is_encoded_as_nothing() -> None:
    assert codes.encode([]) == b""
