"""What a run leaves: its manifest, and the tensors in it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from suite.records.calls import RecordedCall
from suite.records.vocabulary import FLOAT32, Status

RANDOM_PREDICTIONS = "predict draws random numbers"  # a fact of a run: how far two predictions of the same rows are apart
SHARED_AVERAGES = "averages share memory with weights"  # a fact of a run: how many variables, of those with use_ema
MEMORY_LOST = "memory is not kept"  # a fact of a run: what is to be kept from batch to batch, and is not
MEMORY = "keeps between batches"  # a fact of a run: layers whose state no file holds
PREDICT_MOVES = "predict changes"  # a fact of a run: the variables that predicting changes
COUNTS_ON = "is not reset"  # a fact of a run: metrics that hold something after a reset that they did not hold at first
ALTERED = "training sets"  # a fact of a run: attributes of layers that are others after it than before
NARROWED = "narrower than asked"  # a fact of a run or of a loaded file: in which format it keeps what it asks for in another
TRAINING_STEP, OWN = "training step", "the model's own"  # a fact of a run whose model trains by a step of its own
FORMATS = "formats"  # a fact of a run with layers that compute in 16 bits: what each is given and returns, as JSON
OUTSIDE = "outside of model.parameters()"  # a fact of a run on torch: trained weights of which torch itself does not know
UNCOMPILED = "not compiled"  # a fact of a file that was loaded again: why its optimizer is not there
COMPILE_FALSE = "loads only with compile=False"  # a fact of a file that was loaded elsewhere: what Keras says otherwise
JIT_KEPT = "jit_compile of the file"  # a fact of a file that was loaded elsewhere, where "auto" would become something else
VIRTUAL_DEVICES = "virtual devices"  # a fact of a run whose devices are parts of one GPU


class TensorGroup(enum.StrEnum):
    """What a variable does in its model. The distance of what is neutral is reported and never judged."""

    KERNEL = "kernel"  # and every other trained weight
    NEUTRAL_BIAS = "neutral bias"  # before a normalization, or of an attention's keys: its exact gradient is zero
    SCALE_OR_SHIFT = "scale or shift"  # gamma or beta of batch normalization
    OUTPUT_LAYER = "output layer"
    MOVING_MEAN = "moving mean"
    MOVING_VARIANCE = "moving variance"
    OTHER = "other state"  # not trained
    NEUTRAL_STATE = "neutral state"  # the same, where it is zero but for rounding


NEUTRAL = frozenset({TensorGroup.NEUTRAL_BIAS, TensorGroup.NEUTRAL_STATE})


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """One variable of a model or optimizer: its path, its shape, its dtype in the run, its group, its layer."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    group: TensorGroup
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
    """What a run says of itself. Born "started"; ends with a status and a reason. `place`: the artifact's folder in the run
    folder, set where it is written.

    `steps`: the training steps at which weights were stored (0: initial); `predicted`: those with predictions.
    `roundoff`: the unit roundoff of the coarsest dtype that a layer computes in. `files`: file name -> sha256.
    `facts`: versions, devices, threads, flags, as text. `optimizer_epsilon`: 0 where the optimizer has none.
    `rounded_constants`: by how much float32 rounds 1 - c, relative, of a constant c of the optimizer.
    `step_seconds`: of a training step for which nothing is compiled; 0 where there was none, or it is not known.
    `calls`: of a single-step comparison, the layers in the order in which a step calls them. `recorded`: of a
    layerwise step, its calls. `after_saving`: why the model could not be evaluated, or trained further than
    its file; empty where it could, and where it was not to be. `phases`: the steps after which phases of the training ended,
    empty where it has none. `died`: how the first attempt died, if this is the second;
    else empty. `loaded`: of a file that was loaded again, its sha256. `dropped`: those of `files` that were removed when
    everything that rests on them had been judged.
    """

    run: str
    status: Status
    reason: str = ""
    digest: str = ""
    place: str = ""
    died: str = ""
    seconds: float = 0.0
    step_seconds: float = 0.0
    tensors: tuple[Tensor, ...] = ()
    slots: tuple[Tensor, ...] = ()
    batch_norms: tuple[BatchNorm, ...] = ()
    steps: tuple[int, ...] = ()
    predicted: tuple[int, ...] = ()
    replicas: int = 1
    random_layers: tuple[str, ...] = ()
    roundoff: float = FLOAT32
    optimizer_epsilon: float = 0.0
    rounded_constants: float = 0.0
    calls: tuple[str, ...] = ()
    recorded: tuple[RecordedCall, ...] = ()
    after_saving: str = ""
    loaded: str = ""
    phases: tuple[int, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
