"""Student's t against SciPy, and its ends."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from suite.judge import students_t

FREEDOM = st.integers(min_value=1, max_value=2000)


@given(st.floats(min_value=-60.0, max_value=60.0).filter(lambda t: abs(t) > 1e-3), FREEDOM)  # nearer to 0, SciPy is 1e-9 off
def test_the_tail_is_that_of_scipy(t: float, freedom: int) -> None:
    assert students_t.above(t, freedom) == pytest.approx(float(stats.t.sf(t, freedom)), rel=1e-9, abs=1e-15)


@given(st.floats(min_value=1e-6, max_value=0.5), FREEDOM)
def test_the_quantile_is_that_of_scipy(share: float, freedom: int) -> None:
    assert students_t.quantile(share, freedom) == pytest.approx(float(stats.t.isf(share, freedom)), rel=1e-8, abs=1e-9)


@given(st.floats(min_value=-1.0, max_value=1.0))
def test_one_degree_of_freedom_is_cauchys_distribution(t: float) -> None:
    assert students_t.above(t, 1) == pytest.approx(0.5 - math.atan(t) / math.pi, rel=1e-12)


def test_the_ends() -> None:
    assert (students_t.above(math.inf, 3), students_t.above(-math.inf, 3)) == (0.0, 1.0)
    assert students_t.above(0.0, 3) == pytest.approx(0.5)
    assert (students_t.incomplete_beta(0.0, 2, 3), students_t.incomplete_beta(1.0, 2, 3)) == (0.0, 1.0)
