"""Equivalent, different or undecided: as SciPy's tests say, adjusted over pairs, and never equal for want of evidence."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from suite.judge import quality
from suite.judge.quality import LEVEL, POINTS, Answer, Sample
from suite.records import Quality


def sample(mean: float, spread: float, states: int = 8, margin: float = POINTS, seed: int = 3) -> Sample:
    """Differences with exactly this mean and standard deviation."""
    drawn = np.random.default_rng(seed).normal(size=states)
    centred = (drawn - drawn.mean()) / drawn.std(ddof=1)
    return Sample(a=0.9 + mean + spread * centred, b=np.full(states, 0.9), margin=margin)


def answer(*samples: Sample) -> Answer:
    return quality.answers(samples)[0]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (sample(0.0, 0.001), Quality.EQUIVALENT),
        (sample(0.001, 0.0001), Quality.EQUIVALENT),  # shown not to be zero, and shown not to matter
        (sample(0.02, 0.005), Quality.DIFFERENT),
        (sample(0.0, 0.02), Quality.UNDECIDED),
        (sample(0.006, 0.02), Quality.UNDECIDED),
        (sample(0.0, 0.0), Quality.EQUIVALENT),
        (sample(0.02, 0.0), Quality.DIFFERENT),
        (sample(0.0, 0.02, states=2), Quality.UNDECIDED),
    ],
)
def test_a_pair_is_what_is_shown_of_it(one: Sample, expected: Quality) -> None:
    assert answer(one).quality is expected


def test_the_probabilities_are_those_of_scipys_tests() -> None:
    one = sample(0.002, 0.004)
    moments = quality._moments(one)
    assert quality._not_zero(moments) == pytest.approx(float(stats.ttest_rel(one.a, one.b).pvalue), rel=1e-9)
    sides = [
        stats.ttest_1samp(one.differences, -POINTS, alternative="greater").pvalue,
        stats.ttest_1samp(one.differences, POINTS, alternative="less").pvalue,
    ]
    assert quality._outside(moments, POINTS) == pytest.approx(float(max(sides)), rel=1e-9)


def test_the_interval_is_that_of_scipy() -> None:
    one = sample(0.002, 0.004)
    expected = stats.ttest_rel(one.a, one.b).confidence_interval(0.9)
    assert answer(one).interval == pytest.approx((expected.low, expected.high), rel=1e-8)


def test_holm_multiplies_by_what_is_left_and_never_falls() -> None:
    assert quality._holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert quality._holm([0.9, 0.8]) == [1.0, 1.0]
    assert quality._holm([]) == []


def test_more_pairs_need_more_evidence() -> None:
    one = sample(0.0, 0.0055)
    assert answer(one).quality is Quality.EQUIVALENT
    assert answer(one, *(sample(0.0, 0.02, seed=seed) for seed in range(20))).quality is Quality.UNDECIDED


def test_the_number_that_would_decide_is_the_first_that_does() -> None:
    found = answer(sample(0.0, 0.02))
    assert found.seeds > 8
    decides = [quality._outside((0.0, 0.02, states), POINTS) <= LEVEL for states in (found.seeds - 1, found.seeds)]
    assert decides == [False, True]
    assert answer(sample(POINTS, 1.0)).seeds == 0, "no affordable number decides"


@pytest.mark.parametrize(
    ("metric", "named", "expected"),
    [
        ("accuracy", {}, 0.005),
        ("second_output_AUC", {}, 0.005),
        ("loss", {}, 0.02),
        ("mae", {}, 0.02),
        ("accuracy", {"accuracy": 0.1}, 0.1),
    ],
)
def test_the_margin_is_named_or_half_a_point_or_one_percent(metric: str, named: dict[str, float], expected: float) -> None:
    assert quality.margin_of(metric, np.array([1.0, 2.0]), np.array([2.0, 3.0]), named) == pytest.approx(expected)
