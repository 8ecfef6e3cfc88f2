"""What is told of it all: change since a baseline, the self-test, the article's claims, and the results that a report shows."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from suite.records.comparison import ConsistencyCheck, Diagnosis, Finding, Known, Pair, RunRow, ScenarioRow
from suite.records.plan import Broken, Plan, Provisioned
from suite.records.vocabulary import RESULTS_SCHEMA


@dataclass(frozen=True, kw_only=True)
class Move:
    """One thing that is not as it was. `about`: "verdict" or "cause" (of a pair or check), "finding", "environment" (its
    packages and what its runs report), "limit", "option" or "scenario". `how`: "worse", "better", "new", "gone" or
    "changed". `before` and `now` as text, empty where it is not there."""

    about: str
    name: str
    how: str
    before: str = ""
    now: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """These results against those of a baseline. `words`: one sentence. `incomparable`: why nothing could be compared; then
    there are no moves, which does not mean that nothing changed. `same`: pairs and checks as they were."""

    baseline: str
    words: str
    incomparable: str = ""
    moves: tuple[Move, ...] = ()
    same: int = 0


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A number that decided something, and why it is that number."""

    name: str
    value: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class Suite:
    """The suite itself. `digest`: the sha256 of its code, without what only shows results."""

    version: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """The self-test that was kept last: how many faults were injected, and of how many of them what was said rightly.

    `alarms`: clean pairs and runs that were called off, in words. `suite`: what made it; None where it does not say. `apart`:
    what is otherwise in this run, in sentence parts; empty if nothing is. `damage`: why it cannot be read; all else is empty.
    """

    injected: int = 0
    detected: int = 0
    right_cause: int = 0
    right_place: int = 0
    clean_pairs: int = 0
    alarms: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    suite: Suite | None = None
    apart: tuple[str, ...] = ()
    damage: str = ""

    @property
    def rates(self) -> dict[str, float]:
        """Shares of the injected faults, by what they are shares of; 0 of none."""
        counts = {"detected": self.detected, "right cause": self.right_cause, "right place": self.right_place}
        return {name: count / self.injected if self.injected else 0.0 for name, count in counts.items()}


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
    deviations) and variances (relative); `predictions`: largest difference; None where there are none. `words`: what differs."""

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
class Experiment:
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
    experiments: tuple[Experiment, ...]


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
    """A factor whose effect depends on others (`by`): its effect at each of their levels. `ratio`: the largest median distance of
    weights over the smallest, where what float64 rounds to counts as 1e-10."""

    by: tuple[str, ...]
    ratio: float
    effects: tuple[Effect, ...]


@dataclass(frozen=True, kw_only=True)
class Claims:
    """The factorial and the claims on one scenario. `environment`: where the factorial ran; `drift`: how far a float64 run is
    from itself with rows permuted inside each device's share; `missing`: (cell, reason) of cells without a result."""

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


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything a report shows. The report computes nothing more. `change`: None without a baseline, which is not "no change".
    `self_test`: None if none was kept."""

    plan: Plan
    answer: str
    exit_code: int
    generated: str
    environments: tuple[Provisioned, ...]
    scenarios: tuple[ScenarioRow, ...]
    broken: tuple[Broken, ...]
    runs: tuple[RunRow, ...]
    pairs: tuple[Pair, ...]
    checks: tuple[ConsistencyCheck, ...]
    findings: tuple[Finding, ...]
    limits: tuple[Limit, ...]
    diagnoses: tuple[Diagnosis, ...] = ()
    known: tuple[Known, ...] = ()
    change: Change | None = None
    self_test: SelfTest | None = None
    schema: int = RESULTS_SCHEMA
