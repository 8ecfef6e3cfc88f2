"""What is measured of two sides: distances, single steps, and where they part."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from suite.records.artifact import TensorGroup
from suite.records.causes import Cause
from suite.records.vocabulary import FLOAT32, Floats


@dataclass(frozen=True, kw_only=True)
class At:
    """Distances at one training step: plain runs, the rerun envelope, the float64 runs and their own rerun envelope
    (measured on demand, where rounding grows fast). `perturbed`: how far a float64 run comes from itself when it starts as
    far away as float32 rounds (measured on demand, where a layer computes in float32 in a float64 run). Metric id ->
    value."""

    step: int
    plain: Floats
    envelope: Floats = field(default_factory=dict)
    float64: Floats = field(default_factory=dict)
    float64_envelope: Floats = field(default_factory=dict)
    perturbed: Floats = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TensorDistance:
    """One tensor's distance at the last step: `value` is the metric `tensor` (share of the rms distance travelled)
    for trained tensors, the whitened distance for statistics, a relative L2 elsewhere; `ulp` at the first step.
    `integer`: it is a seed or a counter."""

    name: str
    group: TensorGroup | None
    value: float
    ulp: float
    bits: bool
    integer: bool = False


@dataclass(frozen=True, kw_only=True)
class RowChange:
    """One of the rows whose predictions changed most. `output`: which of the model's; `element`: the place among the row's
    values where both sides are farthest apart, of probabilities the class; `a`, `b`: both values there."""

    output: str
    row: int
    element: int
    a: float
    b: float


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One number of training on both sides: the loss of a step ("losses"), or what `fit` says after an epoch. `at`: after
    how many steps or epochs; of many, some."""

    name: str
    at: tuple[int, ...]
    a: tuple[float, ...]
    b: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Distances:
    """One quantity of a pair or check, measured. `invalid` says why there is no number; `bits`: every bit is equal.
    Metric values are finite. `layers`: every layer in the model's order, with the distance of its farthest judged tensor at
    the last step. `histogram`: how many elements are how far apart at the first stored step: [0] exactly equal, [1] by less
    than one unit in the last place of their tensor's largest element, [k] by 2^(k-2) up to 2^(k-1) of them. `rows`: of
    predictions, the worst after the last step; `curves`: of the loss and of what `fit` says; both where they differ."""

    quantity: str
    bits: bool
    at: tuple[At, ...]
    tensors: tuple[TensorDistance, ...] = ()
    invalid: str = ""
    layers: Floats = field(default_factory=dict)
    histogram: tuple[int, ...] = ()
    rows: tuple[RowChange, ...] = ()
    curves: tuple[Curve, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StepErrors:
    """One tensor of one stage of a float32 step from a common state: how far it is, on each side, from the float64 step of
    what that side declares, with the scenario's own constants."""

    state: str
    stage: str
    tensor: str
    sides: tuple[float, float]


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
    """The side (0 or 1) whose float32 steps are far from float64 where the other's are not: from `states` of `measured`
    common states. `place`: where that begins in the earliest of them; `sizes`: how far each side is there."""

    side: int
    states: int
    measured: int
    place: Place
    sizes: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Products:
    """An environment whose float32 products round their operands. `format`: "tf32" or "bfloat16". `place`: where that was
    measured first; `apart`: how far it is from float64 there, `left`: what is left of that with operands rounded so, or,
    if it was shown by a setting, in the environment `by_setting`, which is the same with exact products. `calls`: how many
    layers were shown to do so. `declared`: whether the environment has the framework's default precision on a GPU, which
    allows it."""

    format: str
    place: Place
    apart: float
    left: float
    environment: str = ""
    calls: int = 0
    by_setting: str = ""
    declared: bool = False


class Link(enum.StrEnum):
    """What one part of a difference leads across."""

    STRATEGY = "strategy"  # from a run to the oracle of what its strategy declares, in its own environment
    DECLARATION = "declaration"  # from that oracle to the one of one device, in the same environment
    BACKEND = "backend"  # from an oracle to the same one in a different environment
    FILE = "file"  # from what the oracle says that a file holds to the file


@dataclass(frozen=True, kw_only=True)
class Component:
    """One of the parts that the difference of two sides is composed of. `environment`: whose it is, the second of the two
    if it leads from one to another. `distances`: quantity -> the largest judged float64 distance across it; without those
    that could not be measured, for the reason `missing`. `causes`: what is known of why; never empty where a distance is no
    rounding."""

    link: Link
    environment: str
    distances: Floats = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()
    missing: str = ""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two sides, measured: everything that `suite.judge` decides from.

    `components`: the parts of which the difference of the float64 runs is composed, from the first side to the second;
    empty until they are known. `no_float64`: why the float64 runs cannot be compared; empty if they were.
    `repeats`: metric -> the largest difference at the last step between a side and its repeats; empty if every repeat
    is bit-equal. `random_streams`: both sides draw random numbers, and not the same ones:
    "backends" turn one seed into others, or "replicas" draw for their own rows; empty if they draw the same.
    `random_predictions`: of each side, whether it draws random numbers where it predicts: two predictions of the same rows
    differ.
    `narrowed`: of what has other dtypes and is alike otherwise, quantity -> the side that keeps its values in a
    narrower format than its model asks for, and the formats.
    `formats`: that the two compute in other floating-point formats; None if they do not.
    `shared_averages`: in plain Keras, the live model cannot go on, for its averages share memory with its weights.
    `steps`: the errors of single float32 steps, state by state, in the order of a step; empty if they were not run.
    `stepped`: from how many common states single float32 steps of both sides were compared with each other;
    `apart_in_steps`: where they part, for each state in which they are farther apart than rounding.
    `unsaved`: tensors that are back at their initial value after loading; `renewed`: integers (seeds, counters) that have a
    value which is neither that nor the saved one. `roundoff`: the coarser side's, see Manifest.
    `products`: of each side, whether its products round their operands; None where that is not shown. `unrepeated`: how far
    each side is from its own repeats at the last step, the largest judged metric; 0 if these are bit-equal. `steady`: of
    each side, the environment that is the same with deterministic kernels and repeats itself bit for bit, if it was tried;
    else empty.
    `environments`: each side's, where a cause may be about one of them. `non_finite`: of each side, the first step whose
    loss or state is NaN or infinite; None if none is. `left_out`: why a side's own rounding was not to be measured; empty if
    it was.
    """

    distances: tuple[Distances, ...]
    components: tuple[Component, ...] = ()
    no_float64: str = ""
    repeats: Floats = field(default_factory=dict)
    random_streams: str = ""
    random_predictions: tuple[bool, bool] = (False, False)
    narrowed: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    formats: Cause | None = None
    shared_averages: bool = False
    steps: tuple[StepErrors, ...] = ()
    stepped: int = 0
    apart_in_steps: tuple[Place, ...] = ()
    unsaved: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    roundoff: float = FLOAT32
    environments: tuple[str, str] = ("", "")
    products: tuple[Products | None, Products | None] = (None, None)
    unrepeated: tuple[float, float] = (0.0, 0.0)
    steady: tuple[str, str] = ("", "")
    non_finite: tuple[int | None, int | None] = (None, None)
    left_out: str = ""
