"""What is asked for: environments, strategies, runs, jobs, and the plan."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from suite.records import showing
from suite.records.files import FileQuestion
from suite.records.scenario import Source
from suite.records.vocabulary import Status
from suite.records.zoo import Case

DEFAULT, EXACT = "default", "exact"  # precisions of an environment


@dataclass(frozen=True, kw_only=True)
class Environment:
    """A named interpreter with one backend. Either `requirements` (a virtual environment is made)
    or `python` (an interpreter that exists). `variables` are environment variables (name, value). `faults`, in self-tests
    only: (scenario, fault) for faults that are injected in everything it computes of a scenario, emulations included, as
    if its backend had them.

    `device`: "cpu" or "gpu"; empty for the command's. `precision`: "default" (what a user gets: on a GPU, frameworks may
    round the operands of float32 products) or "exact" (they may not); empty for the command's. `deterministic`: whether the
    framework is asked for kernels that repeat themselves bit for bit. Once environments are chosen, neither is empty.
    """

    name: str
    backend: str
    requirements: tuple[str, ...] = ()
    gpu_requirements: tuple[str, ...] = ()
    python: str = ""
    pythonpath: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    faults: tuple[tuple[str, str], ...] = ()
    source: str = "built in"
    device: str = ""
    precision: str = ""
    deterministic: bool = False

    def fault_in(self, scenario: str) -> str:
        """The fault that it has in this scenario; "" if it has none."""
        return dict(self.faults).get(scenario, "")

    def shown(self) -> Environment:
        """The same without what may be secret: the credentials of addresses, and values of variables that set nothing of a
        framework."""
        return replace(
            self,
            requirements=tuple(map(showing.masked, self.requirements)),
            gpu_requirements=tuple(map(showing.masked, self.gpu_requirements)),
            variables=tuple((name, showing.variable(name, value)) for name, value in self.variables),
        )


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
    gradients:         "global batch", "mean of replica means", or "sum of replica shares" (means count as parts of one
                       mean over all replicas, sums as parts of one sum)
    live_predictions:  "shared statistics" or "own statistics of each replica"
    saved:             "the model" or "first replica"
    """

    batch_statistics: str = "global"
    moving_statistics: str = "global"
    gradients: str = "global batch"
    live_predictions: str = "shared statistics"
    saved: str = "the model"


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """What an oracle does differently from the declaration: an executable hypothesis. Without arguments it does nothing
    differently.

    Batch normalization. `epsilon`, `momentum`: this value instead of every layer's own. `bessel`: "" (biased), "moving" (the
    moving variance is unbiased) or "both" (the normalizing one too). `moves`: how often moving statistics move in a step.
    `statistics`: "batch", or "moving" (inference mode while training). `frozen_moves`: frozen layers normalize and move as
    if they were not. `constant_statistics`: no gradient through them. `mask_ignored`: padding counts.

    Replicas. `semantics`: these instead of the declared ones. `shards`: "contiguous", "strided" or "first repeated".
    `reduction`: "mean", "sum", "first" (the first replica's gradient for all), or "none" (each trains with its own, and
    weights drift apart). `local`: with "none", the names of tensors whose gradients are not exchanged; without any, none is.

    Loss and update. `loss_scale`, `gradient_scale`: factor on the loss, or on every gradient and not the loss;
    `reported_loss`: factor on the loss that is reported, and on no gradient;
    `regularization`: factor on penalties (0: forgotten, 2: twice). `unclipped`: probabilities are not kept away from 0 and 1
    in cross-entropies, as where these are computed from logits. `undivided`: Keras's losses that are one number for a batch
    are not divided by the number of replicas where these are added up. `iteration`: added to the optimizer's step counter
    while it updates (schedule, bias correction). `weight_decay`: factor. `clipping`: "declared", "none", "per replica"
    (before the reduction), "per replica, divided" (of a loss that was divided by the number of replicas, before the sum) or
    "per replica, received" (as "per replica", outside of the optimizer, which receives what is clipped). `slots`: "kept", or
    "forgotten" before each step. `optimizer`: overrides of its configuration, (name, value). `learning_rate`: factor on it.
    `untrained`: names of tensors that are never updated. `accumulated`: the optimizer receives the sum of the gradients of
    all steps so far.

    Trajectory. `order`: "given", "first two swapped", "reversed rows" (in each batch), "first repeated" or "last dropped".
    `initial`: "stored", or the id of a run whose own initial state is taken.

    Phases. `trained`: when it is read which variables are trained: "when compiled", or "at once" where a phase changes that
    and does not compile.

    Predictions. `predicts`: "inference", "training" (training mode left on), "first replica" or "averaged statistics";
    `evaluates`: "as it predicts", or "as declared".
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
    local: tuple[str, ...] = ()
    loss_scale: float = 1.0
    gradient_scale: float = 1.0
    reported_loss: float = 1.0
    regularization: float = 1.0
    unclipped: bool = False
    undivided: bool = False
    iteration: int = 0
    weight_decay: float = 1.0
    clipping: str = "declared"
    slots: str = "kept"
    optimizer: tuple[tuple[str, float], ...] = ()
    learning_rate: float = 1.0
    untrained: tuple[str, ...] = ()
    accumulated: bool = False
    order: str = "given"
    initial: str = "stored"
    trained: str = "when compiled"
    predicts: str = "inference"
    evaluates: str = "as it predicts"


@dataclass(frozen=True, kw_only=True)
class Emulation:
    """What an oracle computes on one device in place of several: a declaration, and at most one deviation from it.
    `name` tells emulations of one declaration apart: "" for the declaration itself, else the hypothesis."""

    semantics: Semantics = field(default_factory=Semantics)
    deviation: Deviation = field(default_factory=Deviation)
    name: str = ""

    @property
    def key(self) -> str:
        """Names it in ids: what is declared differently from one device, and the hypothesis."""
        default = Semantics()
        words = [
            getattr(self.semantics, one.name).replace(" ", "-")
            for one in fields(Semantics)
            if getattr(self.semantics, one.name) != getattr(default, one.name)
        ]
        declared = ".".join(words) or "global"
        return f"{declared}~{self.name}" if self.name else declared


@dataclass(frozen=True, kw_only=True, order=True)
class Configuration:
    """scenario x environment x strategy x devices. `fault`: the name of a fault injected in it, in self-tests only."""

    scenario: str
    environment: str
    strategy: str
    devices: int
    fault: str = ""

    @property
    def id(self) -> str:
        injected = f"+{self.fault}" if self.fault else ""
        return f"{self.scenario}/{self.environment}/{self.strategy}{injected}-x{self.devices}"

    @property
    def label(self) -> str:
        """Short: environment and devices."""
        return f"{self.environment} x{self.devices}"


ORACLE = "oracle"  # the strategy that emulates several devices on one, and its variation
SINGLE_STEP = "single-step"
LAYERWISE = "layerwise"
EAGER = "eager"  # as the plain run, with `run_eagerly`: where a compiled step may compute something else
VARIATIONS = ("plain", "repeat", "permuted", "perturbed", "seed", EAGER, ORACLE, SINGLE_STEP, LAYERWISE)
RERUNS = ("repeat", "permuted", "perturbed", "seed")
PERMUTED = 3  # one re-rounded run alone says little: three bound the envelope (false alarms 2 to 9 % with one side only)
BETWEEN = 2  # the index of a layerwise run from the states between the first and the last
REACHED = 1000  # the index of one from the state that its own training has reached after no step; one more for each step
PRECISIONS = ("float32", "float64")


@dataclass(frozen=True, kw_only=True)
class Run:
    """A configuration in one variation and precision; `index` tells reruns apart (permuted 1, 2, 3, and higher ones that are
    asked for later), and layerwise runs: 1 starts from the first and the last state, `BETWEEN` from those between, and
    `REACHED` + n from the state after n steps.

    An oracle's runs say what they emulate. Their configuration has the reference environment, the strategy "oracle", and the
    number of devices that is emulated. An oracle computes in float64 always: its single steps of precision "float32" have
    the scenario's own constants, as the float32 steps have that are measured against them.
    """

    configuration: Configuration
    variation: str
    precision: str = "float32"
    index: int = 1
    emulates: Emulation | None = None

    @property
    def kind(self) -> str:
        """Variation and precision: plain, plain-float64."""
        return self.variation if self.precision == "float32" else f"{self.variation}-{self.precision}"

    @property
    def rounds_inputs(self) -> bool:
        """Whether its inputs are rounded otherwise: it was asked for where the reruns of the plan show too little."""
        return self.kind == "permuted" and self.index > PERMUTED

    @property
    def id(self) -> str:
        rerun = f"-{self.index}" if self.variation in RERUNS or self.index > 1 else ""
        emulated = f"~{self.emulates.key}" if self.emulates else ""
        return f"{self.configuration.id}/{self.kind}{rerun}{emulated}"


def plain(configuration: Configuration, precision: str = "float32") -> Run:
    """The run that is what a user would run."""
    return Run(configuration=configuration, variation="plain", precision=precision)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user chose, and what changes a result. `seeds`: how many other initial states every configuration trains
    from, to say what is a large difference, and whether one matters. `virtual_devices`: where there are fewer GPUs than
    devices, they are on one GPU. `over_hosts`: strategies over several hosts are planned, too."""

    device: str = "cpu"
    devices: tuple[int, ...] = (1, 2)
    steps: int = 0
    seed: int = 0
    threads: int = 1
    reference: str = "torch"
    gate: str = "different"
    seeds: int = 0
    virtual_devices: bool = False
    over_hosts: bool = False


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one worker process executes, as written for it.

    `kind`: "probe" (does the environment really compute in float64?), "prepare" (data and initial weights of a scenario),
    "train" (runs of one configuration that share a process), "reload" (the saved models of `runs`, loaded on one device of
    `environment`), "zoo" (calls of single layers, losses and optimizers: `cases`), "check" (a saved model: `file`).
    `precision`: "float32", or "float64" for float64 runs. `needs`: ids of jobs that must have succeeded before; `after`:
    ids of jobs that must have ended, however. `cores`: how many processors it keeps busy. `run_folder` is where
    `suite.artifacts.store` reads and writes. `trajectory`: id of the run whose states single-step comparison starts from.
    `died`: how the first attempt at it died, in the job of the second; else empty. `elsewhere`: environments that do it, in
    this order, if this one cannot; `refused`: what those said that could not. `gpus`: how many GPUs it was given; fewer
    than `devices` if they are virtual. `alone`: it has its GPU for itself, because it ran out of memory beside other jobs.
    `options.device` is the environment's own."""

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
    died: str = ""
    cases: tuple[Case, ...] = ()
    file: FileQuestion | None = None
    elsewhere: tuple[Environment, ...] = ()
    refused: tuple[str, ...] = ()
    gpus: int = 0
    alone: bool = False

    def moved(self, environment: Environment) -> Job:
        """The same in a different environment, on its device."""
        options = replace(self.options, device=environment.device or self.options.device)
        return replace(self, environment=environment, options=options)

    def shown(self) -> Job:
        """The same without what may be secret: what a job file holds. The variables are in the worker's surroundings."""
        return replace(
            self,
            environment=self.environment.shown(),
            elsewhere=tuple(environment.shown() for environment in self.elsewhere),
        )

    @property
    def chunk(self) -> str:
        """Names the cases of a job: the first one, and digits that depend on all of them."""
        digits = hashlib.sha256(" ".join(case.id for case in self.cases).encode()).hexdigest()[:8]
        return f"{self.cases[0].id}-{digits}" if self.cases else ""

    @property
    def id(self) -> str:
        if self.kind == "zoo":
            return f"zoo/{self.environment.name}/{self.precision}/{self.chunk}"
        if self.file is not None:
            return f"check/{self.environment.name}/{self.precision}/{self.file.key}"
        if self.kind == "probe":
            return f"probe/{self.environment.name}"
        if self.kind == "prepare":
            return f"prepare/{self.scenario}"
        if self.kind == "reload":
            return f"reload/{self.scenario}/{self.environment.name}/{self.precision}"
        return f"train/{self.runs[0].configuration.id}/{self.runs[0].kind}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a job ended. `reason` is a sentence when it did not complete, or not where it was to; `log` the end of what it
    printed; `died`: how the first attempt died, where the second completed; else empty."""

    job: str
    status: Status
    reason: str = ""
    seconds: float = 0.0
    log: str = ""
    died: str = ""


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
