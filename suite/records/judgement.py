"""What is judged and explained: verdicts with their causes, and findings."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from suite.records.causes import MEASURED, ROUND, Cause, Code
from suite.records.comparison import Distances, Place
from suite.records.plan import Run
from suite.records.vocabulary import Floats, Verdict


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One quantity's verdict and causes with the numbers that led to it. `limits`: metric -> largest value that is
    rounding; `first_step`: first stored step that is not bit-equal (equal verdicts) or beyond its limit (others), 0 if
    none."""

    quantity: str
    verdict: Verdict
    causes: tuple[Cause, ...]
    distances: Distances
    limits: Floats
    worst_tensor: str = ""
    first_step: int = 0


@dataclass(frozen=True, kw_only=True)
class Magnitude:
    """How large a difference is in what a user sees, and what else is as large. `metric`: "pmax", "tv", "churn" or "folded".
    `rungs`: (name, value) of "rounding", "run to run" and "other seed", where they were measured, each the median over
    pairs."""

    metric: str
    value: float
    rungs: tuple[tuple[str, float], ...]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two runs of one scenario, judged. `side`: the one that is off, when shown. `place`: where they begin to differ, when
    known. `magnitudes`: how large the difference is to a user."""

    a: Run
    b: Run
    verdict: Verdict
    causes: tuple[Cause, ...] = ()
    quantities: tuple[Judged, ...] = ()
    side: Run | None = None
    place: Place | None = None
    magnitudes: tuple[Magnitude, ...] = ()

    @property
    def scenario(self) -> str:
        return self.a.configuration.scenario

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs that it compares."""
        return self.a, self.b

    @property
    def kind(self) -> str:
        """Beside those of consistency checks."""
        return "pair"

    @property
    def id(self) -> str:
        """Names it in results.json and in addresses of the page."""
        return f"{self.a.id} | {self.b.id}"


@dataclass(frozen=True, kw_only=True)
class ConsistencyCheck:
    """One run compared with its own saved file, reload, replica or oracle, or with definitions.

    `kind`: "saved" (live model against its file, reloaded in its own environment), "resumed" (both, trained some steps
    further), "reloaded" (its file reloaded in its own environment against `environment`), "replica" (`replica` against
    replica 0), "declared" (its float64 run against the oracle of what its strategy declares), "defined" (its layers, loss
    and update, call by call, against their independent definitions). `form`: how the file was loaded, one of
    `suite.artifacts.names.FORMS`; empty for the others."""

    run: Run
    kind: str
    environment: str
    verdict: Verdict
    causes: tuple[Cause, ...] = ()
    form: str = ""
    replica: int = 0
    quantities: tuple[Judged, ...] = ()

    @property
    def scenario(self) -> str:
        return self.run.configuration.scenario

    @property
    def runs(self) -> tuple[Run, ...]:
        """The run that it is about."""
        return (self.run,)

    @property
    def id(self) -> str:
        """Names it in results.json and in addresses of the page."""
        last = f"replica {self.replica}" if self.kind == "replica" else self.environment
        return f"{self.run.id} | {self.kind} {self.form}".rstrip() + f" | {last}"


Member = Pair | ConsistencyCheck  # of a finding, of the overview, of a count


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A hypothesis that was tried, on top of those of earlier rounds. `round`: of the inquiry, from 1. `detail`: what tells
    it from others of its name, `measured` if that is a number. `matches`: whether it predicts what the run does at the place
    of its round; then it is a suspected cause. `distance`: the largest judged distance of the run from its prediction.
    `whole`: whether a whole run of it was compared, or one step only."""

    name: str
    distance: float
    matches: bool
    whole: bool
    round: int = 1
    detail: str = ""
    measured: bool = False

    @property
    def cause(self) -> Cause:
        what = MEASURED if self.measured else "variant"
        detail = ((what, self.detail),) if self.detail else ()
        later = ((ROUND, float(self.round)),) if self.round > 1 else ()
        return Cause(code=self.name, detail=detail, evidence=(("distance", self.distance), *later))


class Quality(enum.StrEnum):
    """Whether two configurations that were trained from the same initial states are equally good, by one metric."""

    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True)
class QualityPair:
    """One metric of two configurations over several initial states. `states`: of how many; `means`: of both sides;
    `difference`: the mean of a - b, and `interval`, in which the true one lies with 90 %; `margin`: the difference that does
    not matter. `needed`: how many initial states would decide, if the next ones are like these; 0 where it is decided, or
    where no affordable number does."""

    a: Run
    b: Run
    metric: str
    quality: Quality
    states: int
    means: tuple[float, float]
    difference: float
    interval: tuple[float, float]
    margin: float
    needed: int = 0

    @property
    def scenario(self) -> str:
        return self.a.configuration.scenario


class Note(enum.StrEnum):
    """What limits the answer to the question whether a run does what its strategy declares."""

    NONE = ""
    ROUNDING_GROWN = "rounding grown"  # where its own rounding has grown it is judged by that, or not at all
    ROUNDING_GROWN_AT_ONCE = "rounding grown at once"  # from the first stored step on: nothing is known


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What became of the question whether a run does what its strategy declares.

    `run`: the plain run; `oracle`: the run that emulates the declaration; `distance`: the float64 run's largest judged
    distance from it, None where it was not compared, for the `reason`. `suspects`: the hypotheses that match, in rounds:
    those of one round are alternatives, those of a later one come on top; else the nearest one, if it explains nearly all.
    `place`: where the run begins to differ; `remaining`: where it still differs with every match applied, None if nowhere.
    """

    run: Run
    oracle: Run | None
    distance: float | None
    note: Note = Note.NONE
    reason: str = ""
    place: Place | None = None
    remaining: Place | None = None
    suspects: tuple[Suspect, ...] = ()
    tried: int = 0

    @property
    def scenario(self) -> str:
        return self.run.configuration.scenario


@dataclass(frozen=True, kw_only=True)
class Part:
    """A finding in one of its scenarios. `accepted`: why it is accepted there; empty if it is not, or no longer."""

    scenario: str
    fingerprint: str
    accepted: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One set of causes, and what has it. `members`: the pairs and checks that it covers. One may have a worse verdict
    than this: a check because of another quantity, a pair because both of its sides are NaN. `environment`: the
    one that is off in all of them, and `side`: the run, if it is one; empty and None where that is not shown. `fingerprint`:
    names the same finding tomorrow (scenarios, kinds, quantities, causes, place); `parts`: the same for each scenario alone.
    `accepted`: why all of it is accepted; empty if any of it is not.
    """

    verdict: Verdict
    causes: tuple[Cause, ...]
    members: tuple[Member, ...]
    environment: str = ""
    side: Run | None = None
    place: Place | None = None
    magnitudes: tuple[Magnitude, ...] = ()
    fingerprint: str = ""
    parts: tuple[Part, ...] = ()
    accepted: str = ""

    @property
    def unsupported(self) -> bool:
        """Whether it was never meant to give a result."""
        return any(cause.code == Code.UNSUPPORTED for cause in self.causes)

    def excuses(self) -> dict[str, str]:
        """The ids of pairs and checks -> why they are accepted; empty if they are not. Only of those that are no worse than
        this, or are different for no other cause."""
        reasons = {part.scenario: part.accepted for part in self.parts}
        named = {cause.topic for cause in self.causes} if self.verdict is Verdict.DIFFERENT else set()
        return {
            member.id: reasons.get(member.scenario, "")
            for member in self.members
            if member.verdict.rank <= self.verdict.rank or set() < {cause.topic for cause in member.causes} <= named
        }


@dataclass(frozen=True, kw_only=True)
class KnownDifference:
    """A difference that somebody accepted, with the reason, up to a day. `fingerprint`: of a finding, or of one of its
    parts. `expires`: the last day, as in 2027-01-31. `scenarios`: where it shows, if that was written down. `source`: file
    and line. `state`: "shows" (it does not fail the gate), "expired" (it shows, and fails it), "gone" (it does not show) or
    "not looked for" (its scenarios were not all run)."""

    fingerprint: str
    reason: str
    expires: str
    link: str = ""
    scenarios: tuple[str, ...] = ()
    source: str = ""
    state: str = ""
