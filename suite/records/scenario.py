"""What users bring: scenarios, where they were found, and those that could not be used."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite.records.vocabulary import SCENARIO_API

if TYPE_CHECKING:
    import numpy as np

    Rows = np.ndarray | Mapping[str, Any] | Sequence[Any]
    Metrics = Mapping[str, Any] | Sequence[Any] | Callable[[], Any] | None


@dataclass(frozen=True, kw_only=True)
class Data:
    """The rows of one scenario.

    `x`: array (rows, ...), or a dict of such arrays by input name, or a list or tuple of them; `y`: targets (rows, ...),
    in one of these forms too, None where the model makes its loss itself. `sample_weight`: what `fit` takes under this
    name, (rows, ...); None for none.
    `validation`, `evaluate`: other rows (x, y) or (x, y, sample_weight), as `fit` takes them as `validation_data`, or what
    gives batches of them: to validate on, and to evaluate the trained model on. `predict`: rows to predict on, shaped as
    `x`. Where one of these is left out, rows that are there are taken: see `suite.runner.scenario_data`.
    """

    x: Rows
    y: Rows | None = None
    predict: Rows | None = None
    sample_weight: Rows | None = None
    validation: Any = None
    evaluate: Any = None


@dataclass(frozen=True, kw_only=True)
class ScenarioVariant:
    """What a variant changes of its scenario. `name` and `description` are the variant's own.

    `normalization`: "per replica" (as each strategy does it), "synchronized", or "none" (batch normalizations do nothing).
    `last_batch`: the rows of the run's last batch; 0 for a full one. `order`: the seed of a different order of the
    first `rows` rows, which are those that a run uses; None for the scenario's order. `seed`: of different initial
    weights; None for the scenario's own.
    """

    name: str
    description: str
    normalization: str = "per replica"
    last_batch: int = 0
    order: int | None = None
    rows: int = 0
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One part of a training, as one call of `fit`: the model is prepared, compiled or not, and trained.

    `prepare`: changes the model that it is given in place, such as which layers are trained, and returns nothing; None to
    leave it as it is. `compile`: whether the model is compiled then, with a new optimizer; without, the one of the phase
    before goes on. `steps` or `epochs`: how long it trains. `optimizer`, `callbacks`: this phase's own; None for those of
    the scenario.
    """

    prepare: Callable[[Any], None] | None = None
    compile: bool = True
    steps: int = 0
    epochs: int = 0
    optimizer: Callable[[], Any] | None = None
    callbacks: Callable[[], Sequence[Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One Keras 3 model, its data and its recipe. A scenario module holds one, named SCENARIO.

    `model`, `optimizer`, `metrics` and `custom_objects` import keras inside; they never name a backend.
    `batch` is the global batch: every strategy splits it over its devices (see `shares`). `last_batch`: the rows of the
    run's last batch, as where an epoch's rows do not divide; 0 for a full one.

    What `compile` takes, under its names there:
    `loss`: a name, or a dict or list of names by output; a function of targets and predictions; a function without
    arguments that returns any of these, or loss objects; None where the model adds its losses itself.
    `loss_weights`: a number for each output, in a list or a dict. `metrics`, `weighted_metrics`: names, in lists and dicts
    by output, or a function that returns what `compile` takes; None for none. They are evaluated, and compared.
    `auto_scale_loss`, `run_eagerly`, `steps_per_execution`: as they are there. `jit_compile`: None for what "auto" means on
    one CPU, which is pinned.

    What `fit` takes, under its names there:
    `epochs`: how often training takes all rows; 0 where `steps` batches are taken, from row 0 again at the end, all full.
    `shuffle`: the rows of each epoch in another order, the same on every backend. `class_weight`: class -> the weight of its
    rows. `validation_split`: the share of rows, at the end, to validate on. `callbacks`: a function that returns callbacks.

    `phases`: training in several parts, such as pre-training, and going on with some layers frozen. `steps` or `epochs` are
    those of all phases together then.

    `data` returns `Data`, or what gives batches, as `fit` takes them.

    `margins`: metric -> the difference of it that does not matter, where several initial states are trained.

    `outputs` says what the model returns: "probabilities", "logits" or "values" (regression).
    `synchronized`: batch statistics over the global batch on every backend, by
    `BatchNormalization(synchronized=True)` where Keras has it and by the equivalent elsewhere.
    `files`: what `model` and `data` read, relative to the scenario's folder, which is the current one when they are called.
    `requirements`: packages that they import, as pip takes them.
    `variant`: what the worker changes of the model and of the data, set by `parity claims`.
    """

    name: str
    description: str
    model: Callable[[], Any]
    data: Callable[[], Any]
    optimizer: Callable[[], Any]
    loss: str | Mapping[str, Any] | Sequence[Any] | Callable[..., Any] | None
    loss_weights: Mapping[str, float] | Sequence[float] | None = None
    batch: int = 64
    last_batch: int = 0
    steps: int = 20
    outputs: str = "probabilities"
    dtype_policy: str = "float32"
    synchronized: bool = False
    metrics: Metrics = None
    weighted_metrics: Metrics = None
    auto_scale_loss: bool = True
    jit_compile: bool | None = None
    run_eagerly: bool = False
    steps_per_execution: int = 1
    epochs: int = 0
    shuffle: bool = False
    class_weight: Mapping[int, float] | None = None
    validation_split: float = 0.0
    callbacks: Callable[[], Sequence[Any]] | None = None
    phases: tuple[Phase, ...] = ()
    margins: Mapping[str, float] | None = None
    custom_objects: Callable[[], Mapping[str, Any]] | None = None
    files: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    variant: ScenarioVariant | None = None
    api: int = SCENARIO_API


def makes_losses(loss: object) -> bool:
    """Whether a scenario's loss is a function without arguments that returns what `compile` takes; a function of targets and
    predictions is a loss itself."""
    if not callable(loss):
        return False
    required = [one for one in inspect.signature(loss).parameters.values() if one.default is one.empty]
    return not any(one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) for one in required)


def shares(rows: int, devices: int) -> tuple[int, ...]:
    """How many rows of a batch each device gets, contiguous and in order: ceil(rows / devices) as long as there are any.

    That is how TensorFlow deals (5 rows on 4 devices: 2, 2, 1, 0), so every strategy does.
    """
    each = -(-rows // devices)
    return tuple(max(0, min(each, rows - index * each)) for index in range(devices))


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a plugin came from. `kind` is "file" (location: a path) or "entry point" (location: module:attribute).
    `variant`: the scenario there, with this changed."""

    kind: str
    location: str
    distribution: str = ""
    version: str = ""
    variant: ScenarioVariant | None = None

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
