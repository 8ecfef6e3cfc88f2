"""Everything that a report shows: results, what changed since a baseline, and the self-test's rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from suite.records.history import Trend
from suite.records.judgement import ConsistencyCheck, Diagnosis, Finding, KnownDifference, Member, Pair, QualityPair
from suite.records.plan import Outcome, Plan, Provisioned, Run
from suite.records.scenario import Broken
from suite.records.session import RunRow, ScenarioRow
from suite.records.vocabulary import RESULTS_SCHEMA


@dataclass(frozen=True, kw_only=True)
class Move:
    """One thing that is not as it was. `about`: "verdict" or "cause" (of a pair or check), "finding", "environment" (its
    packages and what its runs report), "limit", "option" or "scenario". `how`: "worse", "better", "new", "gone" or
    "changed". `before` and `now` as text, empty where it is not there; of causes: their identities."""

    about: str
    name: str
    how: str
    before: str = ""
    now: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """These results against those of a baseline. `baseline`: its file; `generated` and `plan`: when and from which plan it
    was made. `incomparable`: why nothing could be compared; then there are no moves, which does not mean that nothing
    changed. `same`: how many pairs and checks are as they were. `only_before`, `only_now`: scenarios that are in one of
    them."""

    baseline: str
    generated: str = ""
    plan: str = ""
    incomparable: str = ""
    moves: tuple[Move, ...] = ()
    same: int = 0
    only_before: tuple[str, ...] = ()
    only_now: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class KeptVerdicts:
    """What was judged of one scenario, kept so that large parts of its artifacts need not be. `digest`: of everything that
    was judged, and of the code that judged it. `further`: the runs that were asked for after the plan."""

    scenario: str
    digest: str
    further: tuple[Run, ...]
    pairs: tuple[Pair, ...]
    checks: tuple[ConsistencyCheck, ...]
    diagnoses: tuple[Diagnosis, ...]
    quality: tuple[QualityPair, ...]


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


def _is_of_pair(alarm: str) -> bool:
    """Whether these words begin with the id of a pair, "run | run: ...", and not with that of a check, which has three
    parts."""
    return alarm.partition(": ")[0].count(" | ") == 1


@dataclass(frozen=True, kw_only=True)
class GroundRates:
    """The self-test on one ground, "built-in" (scenarios that the judge was tuned on) or "random" (models drawn at random):
    how many faults were injected, and of how many of them what was said rightly.

    `right_side`: None where the file does not say. `cause_or_place`: of how many at least one of the two was right.
    `without_effect`: faults that make no difference in exact arithmetic, which are in no other number. `clean_pairs` and
    `clean_checks`: those without a fault; `undecided`: for how many of these pairs it stayed open whether they agree;
    `alarms`: in which of all of them a difference was reported, in words. `suite`: what made it; None where it does not say.
    `apart`: what differs in this run, in sentence parts; empty if nothing does.
    """

    ground: str
    injected: int = 0
    detected: int = 0
    right_side: int | None = None
    right_cause: int = 0
    right_place: int = 0
    cause_or_place: int = 0
    without_effect: int = 0
    clean_pairs: int = 0
    clean_checks: int = 0
    undecided: int = 0
    alarms: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    suite: Suite | None = None
    apart: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Of how many faults what was said rightly, in words."""
        side = {} if self.right_side is None else {"right side": self.right_side}
        return {
            "detected": self.detected,
            **side,
            "right cause": self.right_cause,
            "right place": self.right_place,
            "right cause or place": self.cause_or_place,
        }

    @property
    def rates(self) -> dict[str, float]:
        """The same as shares of the injected faults; 0 of none."""
        return {name: count / self.injected if self.injected else 0.0 for name, count in self.counts.items()}

    @property
    def false_alarms(self) -> dict[str, tuple[int, int]]:
        """Of what was clean, in words: how many false alarms, of how many. Of checks only where the file tells of any."""
        pairs = sum(_is_of_pair(alarm) for alarm in self.alarms)
        checks = len(self.alarms) - pairs
        told = {"clean checks": (checks, self.clean_checks)} if checks or self.clean_checks else {}
        return {"clean pairs": (pairs, self.clean_pairs)} | told


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """The self-test that was kept last, ground by ground. `damage`: why it cannot be read; then there are no grounds."""

    grounds: tuple[GroundRates, ...] = ()
    damage: str = ""


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything a report shows. The report computes nothing more. `jobs`: those that execute no run (probes, inputs,
    reloads) and did not complete, or only at the second attempt; and the command itself, if it did not finish. `change`:
    None without a baseline, which is not "no change". `quality`: each metric of each two configurations that were trained
    from several initial states. `self_test`: None if none was kept. `trends`: findings over time, where a history is
    kept."""

    plan: Plan
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
    jobs: tuple[Outcome, ...] = ()
    known: tuple[KnownDifference, ...] = ()
    quality: tuple[QualityPair, ...] = ()
    change: Change | None = None
    self_test: SelfTest | None = None
    trends: tuple[Trend, ...] = ()
    schema: int = RESULTS_SCHEMA

    @property
    def members(self) -> tuple[Member, ...]:
        """Every pair, then every check."""
        return (*self.pairs, *self.checks)

    @property
    def excused(self) -> dict[str, str]:
        """The ids of pairs and checks whose difference is accepted, in every finding that it is in -> the reasons."""
        reasons: dict[str, list[str]] = {}
        for finding in self.findings:
            for name, reason in finding.excuses().items():
                reasons.setdefault(name, []).append(reason)
        return {name: "; ".join(dict.fromkeys(said)) for name, said in reasons.items() if all(said)}
