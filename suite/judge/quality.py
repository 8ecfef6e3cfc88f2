"""Does it matter? Whether two configurations that were trained from the same initial states are equally good.

Of each metric, the differences of pairs are tested twice: against a margin (two one-sided tests, Schuirmann 1987,
doi:10.1007/BF01068419), and against zero (paired t test). Probabilities are adjusted over the pairs of a scenario (Holm
1979, Scandinavian Journal of Statistics 6:65-70). What no test shows is undecided: "not significant" never means equal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from suite.judge import students_t
from suite.records import Quality

LEVEL = 0.05  # of the whole family of pairs: the usual one
POINTS = 0.005  # half a percentage point: what a reader of an accuracy table would not call better
SHARE = 0.01  # of the mean, for what is no share: one percent of a loss
SHARES = ("accuracy", "auc", "precision", "recall", "iou", "f1", "fbeta", "hit", "specificity", "sensitivity")
MOST_SEEDS = 1000  # more are not trained: what needs more is as good as undecidable


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One metric of two configurations from the same initial states: `a` and `b`, float64 (initial states,) each, and the
    difference of the means that does not matter."""

    a: np.ndarray
    b: np.ndarray
    margin: float

    @property
    def differences(self) -> np.ndarray:
        found: np.ndarray = self.a - self.b
        return found


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`difference`: the mean of a - b, `interval`: in which the true one lies with 90 %, without adjustment. `seeds`: how
    many initial states would decide, if the next ones are like these; 0 where it is decided, or where MOST_SEEDS do not."""

    quality: Quality
    difference: float
    interval: tuple[float, float]
    seeds: int = 0


def margin_of(metric: str, a: np.ndarray, b: np.ndarray, named: Mapping[str, float]) -> float:
    """The difference of a metric that does not matter: what the scenario names, else half a percentage point of what is a
    share by its name, else 1 % of the mean of both."""
    if metric in named:
        return named[metric]
    if any(word in metric.lower() for word in SHARES):
        return POINTS
    return SHARE * float(np.mean(np.abs([a, b])))


def answers(samples: Sequence[Sample]) -> tuple[Answer, ...]:
    """One for each pair of configurations of one scenario and metric, in their order; each has at least 2 initial states."""
    equal = _holm([_outside(_moments(one), one.margin) for one in samples])
    other = _holm([_not_zero(_moments(one)) for one in samples])
    return tuple(_answer(*each, pairs=len(samples)) for each in zip(samples, equal, other, strict=True))


def _answer(sample: Sample, equal: float, other: float, *, pairs: int) -> Answer:
    mean, deviation, count = moments = _moments(sample)
    quality = Quality.EQUIVALENT if equal <= LEVEL else Quality.DIFFERENT if other <= LEVEL else Quality.UNDECIDED
    half = students_t.quantile(0.05, count - 1) * deviation / math.sqrt(count)
    seeds = _needed(moments, sample.margin, LEVEL / pairs) if quality is Quality.UNDECIDED else 0
    return Answer(quality=quality, difference=mean, interval=(mean - half, mean + half), seeds=seeds)


Moments = tuple[float, float, int]  # mean and standard deviation of the differences, and how many there are


def _moments(sample: Sample) -> Moments:
    found = sample.differences
    return float(np.mean(found)), float(np.std(found, ddof=1)), len(found)


def _outside(moments: Moments, margin: float) -> float:
    """The probability of such differences if the true one is the margin or more: the larger of the two one-sided tests."""
    mean, deviation, count = moments
    return students_t.above(_ratio(margin - abs(mean), deviation, count), count - 1)


def _not_zero(moments: Moments) -> float:
    """The probability of such differences if the true one is zero, on both sides."""
    mean, deviation, count = moments
    return 2.0 * students_t.above(_ratio(abs(mean), deviation, count), count - 1)


def _ratio(distance: float, deviation: float, count: int) -> float:
    """Student's t; infinite where all differences are the same."""
    if deviation == 0.0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / (deviation / math.sqrt(count))


def _holm(probabilities: Sequence[float]) -> list[float]:
    """Adjusted so that the level holds for the whole family: the smallest times their number, and so on, never falling."""
    adjusted, least = [1.0] * len(probabilities), 0.0
    for rank, index in enumerate(np.argsort(probabilities, kind="stable").tolist()):
        least = max(least, min(1.0, probabilities[index] * (len(probabilities) - rank)))
        adjusted[index] = least
    return adjusted


def _needed(moments: Moments, margin: float, level: float) -> int:
    """How many initial states would show the one or the other at this level; 0 if MOST_SEEDS do not."""
    mean, deviation, count = moments
    for seeds in range(count + 1, MOST_SEEDS + 1):
        wanted = mean, deviation, seeds
        if min(_outside(wanted, margin), _not_zero(wanted)) <= level:
            return seeds
    return 0
