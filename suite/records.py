"""The vocabulary: every word of the project as a frozen record. Standard library only."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

SCENARIO_API = 1
RESULTS_SCHEMA = 1
FLOAT32 = 2.0**-24  # unit roundoff: half the distance from 1 to the next number
JUDGED_STEP = 20  # free runs are judged up to here: later, one flipped ReLU decides how far two runs are apart

Floats = Mapping[str, float]


class Verdict(enum.Enum):
    """What a distance means, from best to worst."""

    IDENTICAL = "identical"
    ROUNDING = "rounding"
    NOISE = "noise"
    DESIGNED = "designed"
    INCONCLUSIVE = "inconclusive"
    DIFFERENT = "different"
    INVALID = "invalid"
    NOT_RUN = "not run"

    @property
    def mark(self) -> str:
        return MARKS[self][0]

    @property
    def meaning(self) -> str:
        return MARKS[self][1]

    @property
    def rank(self) -> int:
        """0 is best."""
        return list(Verdict).index(self)


MARKS = {
    Verdict.IDENTICAL: ("=", "every bit is equal"),
    Verdict.ROUNDING: ("≈", "equal in float64; float32 differs by no more than its own measured rounding"),
    Verdict.NOISE: ("±", "the same run, repeated, differs as much"),
    Verdict.DESIGNED: ("∆", "declared to compute different things, and checked to do so"),
    Verdict.INCONCLUSIVE: ("?", "not shown to be equal, not shown to differ"),
    Verdict.DIFFERENT: ("≠", "a real difference; its cause is named, or said to be unknown"),
    Verdict.INVALID: ("!", "NaN or infinity, other shapes or names, or nothing to compare"),
    Verdict.NOT_RUN: ("–", "one side has no result; the reason is given"),
}


class Status(enum.Enum):
    """How far a run came. Only COMPLETE has results."""

    PLANNED = "planned"
    STARTED = "started"
    COMPLETE = "complete"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    UNSUPPORTED = "unsupported"
    NO_ENVIRONMENT = "environment unavailable"
    NO_DEVICES = "no such devices"

    @property
    def broken(self) -> bool:
        """Whether the run should have given a result and did not (an unsupported one should not)."""
        return self not in (Status.COMPLETE, Status.UNSUPPORTED)


# ---------------------------------------------------------------- what is asked for


@dataclass(frozen=True, kw_only=True)
class Data:
    """The rows of one scenario.

    `x`: array (rows, ...) or a dict of such arrays by input name; `y`: targets (rows, ...);
    `predict`: rows to predict on, shaped as `x`. Training takes rows in order, batch after batch,
    and starts again at row 0 when they are used up, so every batch is full.
    """

    x: np.ndarray | Mapping[str, np.ndarray]
    y: np.ndarray
    predict: np.ndarray | Mapping[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One Keras 3 model, its data and its recipe. A scenario module holds one, named SCENARIO.

    `model`, `optimizer` and `custom_objects` import keras inside; they never name a backend.
    `batch` is the global batch: every strategy splits it over its devices (see `shares`). `last_batch`: the rows of the run's
    last batch, as where an epoch's rows do not divide; 0 for a full one.
    `outputs` says what the model returns: "probabilities", "logits" or "values" (regression).
    `synchronized`: batch statistics over the global batch on every backend, by
    `BatchNormalization(synchronized=True)` where Keras has it and by the equivalent elsewhere.
    """

    name: str
    description: str
    model: Callable[[], Any]
    data: Callable[[], Data]
    optimizer: Callable[[], Any]
    loss: str | Callable[[], Any]
    batch: int = 64
    last_batch: int = 0
    steps: int = 20
    outputs: str = "probabilities"
    dtype_policy: str = "float32"
    synchronized: bool = False
    custom_objects: Callable[[], Mapping[str, Any]] | None = None
    api: int = SCENARIO_API


def shares(rows: int, devices: int) -> tuple[int, ...]:
    """How many rows of a batch each device gets, contiguous and in order: ceil(rows / devices) as long as there are any.

    That is how TensorFlow deals (5 rows on 4 devices: 2, 2, 1, 0), so every strategy does.
    """
    each = -(-rows // devices)
    return tuple(max(0, min(each, rows - index * each)) for index in range(devices))


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a plugin came from. `kind` is "file" (location: a path) or "entry point" (location: module:attribute)."""

    kind: str
    location: str
    distribution: str = ""
    version: str = ""

    def __str__(self) -> str:
        if self.kind == "file":
            return self.location
        return f"{self.distribution} {self.version} ({self.location})"


@dataclass(frozen=True, kw_only=True)
class FoundScenario:
    """A scenario and where it came from; `digest` is the sha256 of its source."""

    scenario: Scenario
    source: Source
    digest: str


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A plugin that could not be used: one line with source and line number."""

    name: str
    source: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A named interpreter with one backend. Either `requirements` (a virtual environment is made)
    or `python` (an interpreter that exists). `variables` are environment variables (name, value)."""

    name: str
    backend: str
    requirements: tuple[str, ...] = ()
    gpu_requirements: tuple[str, ...] = ()
    python: str = ""
    pythonpath: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    source: str = "built in"


@dataclass(frozen=True, kw_only=True)
class Provisioned:
    """An environment that was made ready (`python` is its interpreter, `digest` names what is installed),
    or could not be: then `reason` is the installer's last lines."""

    environment: Environment
    python: str = ""
    digest: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Semantics:
    """What a strategy declares to compute, and what an oracle emulates. One word each, see docs/judgement.md.

    batch_statistics:  "global" or "per replica"
    moving_statistics: "global", "per replica", "first replica" or "averaged"
    gradients:         "global batch" or "mean of replica means"
    live_predictions:  "shared statistics" or "own statistics of each replica"
    saved:             "the model" or "first replica"
    """

    batch_statistics: str = "global"
    moving_statistics: str = "global"
    gradients: str = "global batch"
    live_predictions: str = "shared statistics"
    saved: str = "the model"


@dataclass(frozen=True, kw_only=True)
class Departure:
    """What an oracle does otherwise than declared: a hypothesis made executable. Without arguments: nothing.

    Batch normalization. `epsilon`, `momentum`: this value instead of every layer's own. `bessel`: "" (biased), "moving" (the
    moving variance is unbiased) or "both" (the normalizing one too). `moves`: how often moving statistics move in a step.
    `statistics`: "batch", or "moving" (inference mode while training). `frozen_moves`: frozen layers normalize and move as if
    they were not. `constant_statistics`: no gradient through them. `mask_ignored`: padding counts.

    Replicas. `semantics`: these instead of the declared ones. `shards`: "contiguous", "strided" or "first repeated".
    `reduction`: "mean", "sum", or "first" (the first replica's gradient for all).

    Loss and update. `gradient_scale`: factor on every gradient; `regularization`: factor on penalties (0: forgotten, 2: twice).
    `iteration`: added to the optimizer's step counter while it updates (schedule, bias correction). `weight_decay`: factor.
    `clipping`: "declared", "none" or "per replica" (before the reduction). `slots`: "kept", or "forgotten" before each step.
    `optimizer`: overrides of its configuration, (name, value). `update_scale`: factor on every update (a learning rate that is
    off). `untrained`: names of tensors that are never updated.

    Trajectory. `order`: "given", "first two swapped", "reversed rows" (in each batch), "first repeated" or "last dropped".
    `initial`: "stored", or the id of a run whose own initial state is taken.

    Predictions. `predicts`: "inference", "training" (training mode left on), "first replica" or "averaged statistics".
    """

    epsilon: float | None = None
    momentum: float | None = None
    bessel: str = ""
    moves: int = 1
    statistics: str = "batch"
    frozen_moves: bool = False
    constant_statistics: bool = False
    mask_ignored: bool = False
    semantics: Semantics | None = None
    shards: str = "contiguous"
    reduction: str = "mean"
    gradient_scale: float = 1.0
    regularization: float = 1.0
    iteration: int = 0
    weight_decay: float = 1.0
    clipping: str = "declared"
    slots: str = "kept"
    optimizer: tuple[tuple[str, float], ...] = ()
    update_scale: float = 1.0
    untrained: tuple[str, ...] = ()
    order: str = "given"
    initial: str = "stored"
    predicts: str = "inference"


@dataclass(frozen=True, kw_only=True)
class Emulation:
    """What an oracle computes on one device in place of several: a declaration, and at most one departure from it.
    `name` tells emulations of one declaration apart: "" for the declaration itself, else the hypothesis."""

    semantics: Semantics = field(default_factory=Semantics)
    departure: Departure = field(default_factory=Departure)
    name: str = ""

    @property
    def key(self) -> str:
        """Names it in ids: what is declared otherwise than on one device, and the hypothesis."""
        default = Semantics()
        words = [
            getattr(self.semantics, one.name).replace(" ", "-")
            for one in fields(Semantics)
            if getattr(self.semantics, one.name) != getattr(default, one.name)
        ]
        declared = ".".join(words) or "global"
        return f"{declared}~{self.name}" if self.name else declared


class Strategy(Protocol):
    """How a backend is driven over devices: one file in suite/runner/strategies, object STRATEGY.

    The declarations below are read without importing a framework; `train` runs in the worker."""

    name: str
    backends: frozenset[str]

    def refuse(self, devices: int) -> str:
        """Why this strategy cannot drive so many devices; empty if it can."""

    def semantics(self, scenario: Scenario, devices: int) -> Semantics:
        """What it declares to compute."""

    def work(self, job: Job) -> None:
        """Execute the job's runs in this process; each answers by an artifact."""


@dataclass(frozen=True, kw_only=True, order=True)
class Configuration:
    """scenario x environment x strategy x devices. `fault`: the name of a fault planted in it, in self-tests only."""

    scenario: str
    environment: str
    strategy: str
    devices: int
    fault: str = ""

    @property
    def id(self) -> str:
        planted = f"+{self.fault}" if self.fault else ""
        return f"{self.scenario}/{self.environment}/{self.strategy}{planted}-x{self.devices}"

    @property
    def label(self) -> str:
        """Short: environment and devices."""
        return f"{self.environment} x{self.devices}"


ORACLE = "oracle"  # the strategy that emulates several devices on one, and its variation
VARIATIONS = (
    "plain",
    "repeat",
    "permuted",
    "twin",
    "twin-permuted",
    "exact",
    "seed",
    "oracle",
    "lockstep",
    "lockstep-float32",
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """A configuration in one variation; `index` tells reruns apart (permuted 1, 2, 3). An oracle's run and its lockstep say
    what they emulate; their configuration has the reference environment, the strategy "oracle", and the number of devices
    that is emulated."""

    configuration: Configuration
    variation: str
    index: int = 1
    emulates: Emulation | None = None

    @property
    def id(self) -> str:
        rerun = f"-{self.index}" if self.variation in RERUNS else ""
        emulated = f"~{self.emulates.key}" if self.emulates else ""
        return f"{self.configuration.id}/{self.variation}{rerun}{emulated}"


RERUNS = ("repeat", "permuted", "twin-permuted", "seed")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user chose, and what changes a result. `seeds`: how many other initial states the reference trains from, to
    say what is a large difference."""

    device: str = "cpu"
    devices: tuple[int, ...] = (1, 2)
    steps: int = 0
    seed: int = 0
    threads: int = 1
    reference: str = "torch"
    gate: str = "different"
    seeds: int = 0


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one worker process executes, as written for it.

    `kind`: "check" (twin self-test of an environment), "prepare" (data and initial weights of a scenario), "train"
    (runs of one configuration that share a process), "reload" (the saved models of `runs`, loaded on one device of
    `environment`). `precision`: "float32", or "float64" for twins. `needs`: ids of jobs that must have succeeded
    before; `after`: ids of jobs that must have ended, however. `cores`: how many processors it keeps busy.
    `run_folder` is where `suite.store` reads and writes. `trajectory`: id of the run whose states lockstep starts from.
    """

    kind: str
    run_folder: str
    environment: Environment
    options: Options
    scenario: str = ""
    source: Source | None = None
    strategy: str = "single"
    devices: int = 1
    precision: str = "float32"
    runs: tuple[Run, ...] = ()
    digest: str = ""
    trajectory: str = ""
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    cores: int = 1

    @property
    def id(self) -> str:
        if self.kind == "check":
            return f"check/{self.environment.name}"
        if self.kind == "prepare":
            return f"prepare/{self.scenario}"
        if self.kind == "reload":
            return f"reload/{self.scenario}/{self.environment.name}/{self.precision}"
        return f"train/{self.runs[0].configuration.id}/{self.runs[0].variation}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job ended. `reason` is a sentence when it did not complete; `log` the end of what it printed."""

    job: str
    status: Status
    reason: str = ""
    seconds: float = 0.0
    log: str = ""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that is to run, written before anything runs: the denominator of every count.

    `refused`: runs that cannot be, with status and reason, known before the start.
    """

    runs: tuple[Run, ...]
    refused: tuple[tuple[Run, Status, str], ...]
    options: Options
    digest: str
    command: str = ""


# ---------------------------------------------------------------- what a run leaves

GROUPS = {
    "K": "kernels and other trained weights",
    "P": "biases that feed only a batch normalization: their exact gradient is zero",
    "G": "gamma and beta of batch normalization",
    "H": "the layers that make the output",
    "M": "moving means",
    "V": "moving variances",
    "O": "other state that is not trained",
}


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One variable of a model or optimizer: its path, its shape, its dtype in the run, its group, its layer."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    group: str
    layer: str


@dataclass(frozen=True, kw_only=True)
class BatchNorm:
    """One batch normalization layer by the names of its tensors; empty where it has none.

    `kernel` and `bias` belong to the linear layer whose only consumer it is; `axis` is the kernel's channel axis.
    """

    name: str
    mean: str
    variance: str
    gamma: str = ""
    beta: str = ""
    epsilon: float = 1e-3
    kernel: str = ""
    bias: str = ""
    axis: int = -1
    trainable: bool = True


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a run says of itself. Born "started"; ends with a status and a reason.

    `steps`: the training steps at which weights were stored (0: initial); `predicted`: those with predictions.
    `roundoff`: the unit roundoff of the coarsest dtype that a layer computes in. `files`: file name -> sha256.
    `facts`: versions, devices, threads, flags, as text. `optimizer_epsilon`: 0 where the optimizer has none.
    `calls`: of a lockstep, the layers in the order in which a step calls them.
    """

    run: str
    status: Status
    reason: str = ""
    digest: str = ""
    seconds: float = 0.0
    tensors: tuple[Tensor, ...] = ()
    slots: tuple[Tensor, ...] = ()
    batch_norms: tuple[BatchNorm, ...] = ()
    steps: tuple[int, ...] = ()
    predicted: tuple[int, ...] = ()
    replicas: int = 1
    random_layers: tuple[str, ...] = ()
    roundoff: float = FLOAT32
    optimizer_epsilon: float = 0.0
    calls: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


# ---------------------------------------------------------------- what is found

QUANTITIES = ("trainable weights", "moving statistics", "optimizer state", "loss", "predictions", "other state")


@dataclass(frozen=True, kw_only=True)
class At:
    """Distances at one training step: plain runs, the rerun envelope, the float64 twins and their own rerun envelope
    (measured on demand, where rounding grows fast). Metric id -> value."""

    step: int
    plain: Floats
    envelope: Floats = field(default_factory=dict)
    twin: Floats = field(default_factory=dict)
    twin_envelope: Floats = field(default_factory=dict)


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
    """One quantity of a pair or view, measured. `invalid` says why there is no number; `bits`: every bit is equal.
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
class Comparison:
    """Two sides, measured: everything that `suite.judge` decides from.

    `declared`: the difference of the two declarations, in words; empty if they declare the same.
    `no_twin`: why the float64 twins cannot be compared; empty if they were.
    `repeats`: metric -> the largest difference at the last step between a side and its repeats; empty if every repeat
    is bit-equal. `random_streams`: both sides draw random numbers, and not the same ones.
    `exact`: for each side, metric -> its distance after one step from float64 with the scenario's own constants.
    `oracles`: for each side, the largest judged distance of its twin from the oracle of what it declares; None where that was
    not compared. `off`: for each side, what is known of why it is not what it declares, in words.
    `unsaved`: tensors that are back at their initial value after loading. `roundoff`: the coarser side's, see Manifest.
    """

    distances: tuple[Distances, ...]
    declared: str = ""
    no_twin: str = ""
    repeats: Floats = field(default_factory=dict)
    random_streams: bool = False
    exact: tuple[Floats, Floats] = field(default_factory=lambda: ({}, {}))
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
class View:
    """One run seen another way. `kind`: "saved" (live model against its file, reloaded in its own environment),
    "reloaded" (its file reloaded in its own environment against `environment`), "replica" (`replica` against replica 0),
    "declared" (its float64 twin against the oracle of what its strategy declares, which ran in `environment`).
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
    """One planned run as it ended. `log`: the end of what the worker printed, when it did not complete."""

    run: Run
    status: Status
    reason: str
    seconds: float
    reused: bool
    facts: Mapping[str, str]
    log: str = ""


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


# What one training step does, in order. Lockstep compares it stage by stage from a common state.
STAGES = (
    "initial state",
    "forward",
    "batch statistics",
    "loss",
    "gradient",
    "update",
    "moving statistics",
    "optimizer state",
)
# What happens after training; a difference that begins here has one of these as its place.
LATER_STAGES = ("trajectory", "prediction", "save", "load")


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

    `run`: the plain run's id; `oracle`: the oracle's run id; `distance`: the twin's largest judged distance from it, None where
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
    """One cause with its evidence. `pairs`: ids "a | b" of pairs and "run | kind | environment" of views it covers.
    `isolating_check` says which check was run to isolate it, or that none was and what would decide. `side`: the environment
    or run that is off, by its distance from the oracle; empty if none is. `advice`: what to do about it. `repeat`: the
    command that shows it again. `fingerprint`: names the same finding tomorrow (scenarios, pair kinds, quantities, cause, place).
    `parts`: the same for each scenario alone. `known`: why all of it is accepted; empty if any of it is not.
    """

    verdict: Verdict
    cause: str
    claim: str
    evidence: str
    isolating_check: str
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
        """Of the pairs and views it covers, those that are known -> why."""
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


# ---------------------------------------------------------------- what has changed


@dataclass(frozen=True, kw_only=True)
class Move:
    """One thing that is not as it was. `about`: "verdict" or "cause" (of a pair or view), "finding", "environment" (its
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
    there are no moves, which does not mean that nothing changed. `same`: pairs and views as they were."""

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


# ---------------------------------------------------------------- the article's claims


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
    """The factorial and the claims on one scenario. `environment`: where the factorial ran; `drift`: how far a float64 twin is
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
    """Everything a report shows. The report computes nothing more. `change`: None without a baseline, which is not "no change"."""

    plan: Plan
    answer: str
    exit_code: int
    generated: str
    environments: tuple[Provisioned, ...]
    scenarios: tuple[ScenarioRow, ...]
    broken: tuple[Broken, ...]
    runs: tuple[RunRow, ...]
    pairs: tuple[Pair, ...]
    views: tuple[View, ...]
    findings: tuple[Finding, ...]
    limits: tuple[Limit, ...]
    diagnoses: tuple[Diagnosis, ...] = ()
    known: tuple[Known, ...] = ()
    change: Change | None = None
    schema: int = RESULTS_SCHEMA
