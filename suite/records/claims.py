"""The article's claims, put to the test: what was measured, and what it says of each."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Answer(enum.Enum):
    """What the runs say of a claim."""

    TRUE = "true"
    FALSE = "false"
    NOT_TESTABLE = "not testable here"


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Two cells compared. `environments`: theirs, one name if it is the same; `devices`: the larger count; `normalization`:
    "per replica", "synchronized" or "none"; `precision`: "float32" or "float64". `bits`: everything that was compared is
    bit-equal. `weights`: share of the distance travelled; `statistics`: moving ones, the larger of means (in standard
    deviations) and variances (relative); `predictions`: largest difference; None where there are none. `words`: what
    differs."""

    environments: str
    devices: int
    normalization: str
    precision: str
    a: str
    b: str
    bits: bool
    weights: float | None = None
    statistics: float | None = None
    predictions: float | None = None
    words: str = ""

    @property
    def largest(self) -> float:
        """The largest distance; 0 if nothing was measured."""
        return max((one for one in (self.weights, self.statistics, self.predictions) if one is not None), default=0.0)


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question with the cells that were compared to answer it."""

    question: str
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One of the article's claims, in short words, and what the runs say of it. `because`: sentences with the numbers."""

    number: int
    words: str
    answer: Answer
    because: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Distances over several pairs of cells."""

    median: float
    smallest: float
    largest: float


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What changing one factor from one level to another does, over all settings of the others, or of those not `given`
    (factor, level). `pairs`: pairs of cells that differ in this factor alone."""

    factor: str
    levels: tuple[str, str]
    given: tuple[tuple[str, str], ...]
    pairs: int
    weights: Spread
    predictions: Spread


@dataclass(frozen=True, kw_only=True)
class Interaction:
    """A factor whose effect depends on others (`by`): its effect at each of their levels. `ratio`: the largest median
    distance of weights over the smallest, where what float64 rounds to counts as 1e-10."""

    by: tuple[str, ...]
    ratio: float
    effects: tuple[Effect, ...]


@dataclass(frozen=True, kw_only=True)
class Claims:
    """The factorial and the claims on one scenario. `environment`: where the factorial ran; `drift`: how far a float64 run
    is from itself with rows permuted inside each device's share; `missing`: (cell, reason) of cells without a result."""

    scenario: str
    environment: str
    devices: int
    device: str
    steps: int
    last_batch: int
    drift: float
    cells: int
    effects: tuple[Effect, ...]
    interactions: tuple[Interaction, ...]
    claims: tuple[Claim, ...]
    environments: Mapping[str, Mapping[str, str]]
    missing: tuple[tuple[str, str], ...]
    generated: str
    command: str = ""
