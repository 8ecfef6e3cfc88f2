"""What is found: distances, verdicts, causes, findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from suite.records.plan import Broken, Outcome, Provisioned, Run, Semantics
from suite.records.vocabulary import FLOAT32, Floats, Status, Verdict


@dataclass(frozen=True, kw_only=True)
class At:
    """Distances at one training step: plain runs, the rerun envelope, the float64 runs and their own rerun envelope
    (measured on demand, where rounding grows fast). Metric id -> value."""

    step: int
    plain: Floats
    envelope: Floats = field(default_factory=dict)
    float64: Floats = field(default_factory=dict)
    float64_envelope: Floats = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TensorDistance:
    """One tensor's distance at the last step: `value` is the metric `tensor` (share of the rms distance travelled)
    for trained tensors, the whitened distance for statistics, a relative L2 elsewhere; `ulp` at the first step."""

    name: str
    group: str
    value: float
    ulp: float
    bits: bool


@dataclass(frozen=True, kw_only=True)
class Distances:
    """One quantity of a pair or check, measured. `invalid` says why there is no number; `bits`: every bit is equal.
    Metric values are finite. `layers`: every layer in the model's order, with the distance of its farthest judged tensor at the
    last step. `histogram`: how many elements are how far apart at the first stored step: [0] exactly equal, [1] by less than
    one unit in the last place of their tensor's largest element, [k] by 2^(k-2) up to 2^(k-1) of them."""

    quantity: str
    bits: bool
    at: tuple[At, ...]
    tensors: tuple[TensorDistance, ...] = ()
    invalid: str = ""
    layers: Floats = field(default_factory=dict)
    histogram: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StepErrors:
    """One tensor of one stage of a float32 step from a common state: how far it is, on each side, from the float64 step of what
    that side declares, with the scenario's own constants."""

    state: str
    stage: str
    tensor: str
    sides: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two sides, measured: everything that `suite.judge` decides from.

    `declared`: the difference of the two declarations, in words; empty if they declare the same.
    `no_float64`: why the float64 runs cannot be compared; empty if they were.
    `repeats`: metric -> the largest difference at the last step between a side and its repeats; empty if every repeat
    is bit-equal. `random_streams`: both sides draw random numbers, and not the same ones.
    `steps`: the errors of single float32 steps, state by state, in the order of a step; empty if they were not run.
    `oracles`: for each side, the largest judged distance of its float64 run from the oracle of what it declares; None where that was
    not compared. `off`: for each side, what is known of why it is not what it declares, in words.
    `unsaved`: tensors that are back at their initial value after loading. `roundoff`: the coarser side's, see Manifest.
    """

    distances: tuple[Distances, ...]
    declared: str = ""
    no_float64: str = ""
    repeats: Floats = field(default_factory=dict)
    random_streams: bool = False
    steps: tuple[StepErrors, ...] = ()
    oracles: tuple[float | None, float | None] = (None, None)
    off: tuple[str, str] = ("", "")
    unsaved: tuple[str, ...] = ()
    roundoff: float = FLOAT32


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One quantity's verdict and cause with the numbers that led to it. `limits`: metric -> largest value that is
    rounding; `first_step`: first stored step that is not bit-equal (equal verdicts) or beyond its limit (others), 0 if none."""

    quantity: str
    verdict: Verdict
    cause: str
    distances: Distances
    limits: Floats
    worst_tensor: str = ""
    first_step: int = 0


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two runs of one scenario, judged. `a` and `b` are run ids; `side` the id of the one that is off, when shown."""

    scenario: str
    a: str
    b: str
    verdict: Verdict
    cause: str
    quantities: tuple[Judged, ...] = ()
    side: str = ""

    @property
    def id(self) -> str:
        """How findings name it."""
        return f"{self.a} | {self.b}"


@dataclass(frozen=True, kw_only=True)
class ConsistencyCheck:
    """One run seen another way. `kind`: "saved" (live model against its file, reloaded in its own environment),
    "reloaded" (its file reloaded in its own environment against `environment`), "replica" (`replica` against replica 0),
    "declared" (its float64 run against the oracle of what its strategy declares, which ran in `environment`).
    `form`: the file, "model.keras" or "model.weights.h5"; empty for replicas."""

    run: str
    scenario: str
    kind: str
    environment: str
    verdict: Verdict
    cause: str
    form: str = ""
    replica: int = 0
    quantities: tuple[Judged, ...] = ()

    @property
    def id(self) -> str:
        """How findings name it."""
        last = f"replica {self.replica}" if self.kind == "replica" else self.environment
        return f"{self.run} | {self.kind} {self.form}".rstrip() + f" | {last}"


@dataclass(frozen=True, kw_only=True)
class ScenarioRow:
    """What the report says of a scenario."""

    name: str
    description: str
    source: str
    digest: str
    batch: int
    steps: int
    outputs: str


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One planned run as it ended. `log`: the end of what the worker printed, when it did not complete. `died`: how the first
    attempt died, where the second completed; else empty."""

    run: Run
    status: Status
    reason: str
    seconds: float
    reused: bool
    facts: Mapping[str, str]
    log: str = ""
    died: str = ""


@dataclass(frozen=True, kw_only=True)
class Session:
    """What one command found and did, kept beside its artifacts so that they can be judged again, anywhere.

    `declared`: configuration id -> what its strategy declares; `ended`: id of a run that did not complete -> how;
    `further`: runs that were asked for after the plan, to decide what was open; `reused`: ids of runs found complete.
    """

    environments: tuple[Provisioned, ...]
    scenarios: tuple[ScenarioRow, ...]
    broken: tuple[Broken, ...]
    declared: Mapping[str, Semantics]
    ended: Mapping[str, Outcome] = field(default_factory=dict)
    further: tuple[Run, ...] = ()
    reused: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a difference begins: the first stage and tensor out of bounds. `state`: the training step whose state both sides
    started from, or "saturated". `ratio`: `size` over the largest value that would be rounding."""

    stage: str
    tensor: str
    state: str
    size: float
    ratio: float


@dataclass(frozen=True, kw_only=True)
class Unstable:
    """The side (0 or 1) whose float32 steps are far from float64 where the other's are not: from `states` of `measured` common
    states. `place`: where that begins in the earliest of them; `sizes`: how far each side is there."""

    side: int
    states: int
    measured: int
    place: Place
    sizes: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A hypothesis that was tried. `distance`: the largest judged distance of the run from its prediction; below 1e-10 it is
    the suspected cause. `whole`: whether a whole run of it was compared, or one step only."""

    name: str
    words: str
    distance: float
    whole: bool
    advice: str = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What became of the question whether a run does what its strategy declares.

    `run`: the plain run's id; `oracle`: the oracle's run id; `distance`: the float64 run's largest judged distance from it, None where
    it was not compared, for the `reason`. `suspects`: the hypotheses that match, else the nearest one, which then does not.
    """

    run: str
    oracle: str
    distance: float | None
    reason: str = ""
    place: Place | None = None
    suspects: tuple[Suspect, ...] = ()
    tried: int = 0


@dataclass(frozen=True, kw_only=True)
class Magnitude:
    """How large a difference is in what a user sees, and what else is as large. `metric`: "pmax", "tv", "churn" or "folded".
    `rungs`: (name, value) of "rounding", "run to run" and "other seed", where they were measured, each the median over pairs."""

    metric: str
    value: float
    rungs: tuple[tuple[str, float], ...]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A finding in one of its scenarios. `known`: why it is accepted there; empty if it is not, or no longer."""

    scenario: str
    fingerprint: str
    known: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One cause with its evidence. `pairs`: ids "a | b" of pairs and "run | kind | environment" of checks it covers.
    `experiment` says which check was run to isolate it, or that none was and what would decide. `side`: the environment
    or run that is off, by its distance from the oracle; empty if none is. `advice`: what to do about it. `repeat`: the
    command that shows it again. `fingerprint`: names the same finding tomorrow (scenarios, pair kinds, quantities, cause, place).
    `parts`: the same for each scenario alone. `known`: why all of it is accepted; empty if any of it is not.
    """

    verdict: Verdict
    cause: str
    claim: str
    evidence: str
    experiment: str
    pairs: tuple[str, ...]
    side: str = ""
    place: Place | None = None
    magnitudes: tuple[Magnitude, ...] = ()
    advice: str = ""
    link: str = ""
    repeat: str = ""
    fingerprint: str = ""
    parts: tuple[Part, ...] = ()
    known: str = ""

    def accepted(self) -> dict[str, str]:
        """Of the pairs and checks it covers, those that are known -> why."""
        reasons = {part.scenario: part.known for part in self.parts if part.known}
        return {name: reasons[scenario] for name in self.pairs if (scenario := name.partition("/")[0]) in reasons}


@dataclass(frozen=True, kw_only=True)
class Known:
    """A difference that somebody accepted, with the reason, up to a day. `fingerprint`: of a finding, or of one of its parts.
    `expires`: the last day, as in 2027-01-31. `scenarios`: where it shows, if that was written down. `source`: file and line.
    `state`: "shows" (it does not fail the gate), "expired" (it shows, and fails it), "gone" (it does not show) or
    "not looked for" (its scenarios were not all run)."""

    fingerprint: str
    reason: str
    expires: str
    link: str = ""
    scenarios: tuple[str, ...] = ()
    source: str = ""
    state: str = ""
