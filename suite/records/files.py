"""The check of a saved model: what a worker is asked, what it answers, and what is concluded for a file."""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

PREDICTIONS, LAYERS, CALL, DESCRIBED = "predictions", "layers", "call", "described"  # what a worker records of a file
OWN_CONSTANTS, DYADIC = "own", "dyadic"
ROWS = 8  # that are drawn: enough to see rows differ, few enough for large images


@dataclass(frozen=True, kw_only=True)
class FileQuestion:
    """What a worker is asked about one file.

    `path`: absolute; `digest`: its sha256. `model`: of weights alone, the function that builds the model; `custom_objects`:
    the function that returns the custom objects by name. Both are "module:function" or "file.py:function"; modules are
    looked for in `folder` too. `data`: the .npz with the rows, absolute, `data_digest` its sha256; without one, `rows` rows
    are drawn with `seed`. `trusted`: code in the file, as of Lambda layers, may run.

    `part`: "predictions", "layers" (a sketch of what every layer returns) or "call" (one call of the layer `layer`, whole),
    "described" (rows, predictions, and what the model was compiled with; without a `path`, of what `model` builds).
    `constants`: the file's "own", or "dyadic" ones near them, which no backend rounds.
    """

    path: str
    digest: str
    model: str = ""
    custom_objects: str = ""
    folder: str = ""
    data: str = ""
    data_digest: str = ""
    rows: int = ROWS
    seed: int = 0
    trusted: bool = False
    part: str = PREDICTIONS
    constants: str = OWN_CONSTANTS
    layer: str = ""

    @property
    def key(self) -> str:
        """Names it in ids and folders: the part, and digits that depend on everything."""
        digits = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]
        return f"{self.part}-{digits}"


@dataclass(frozen=True, kw_only=True)
class LayerOutput:
    """One call of a layer in a forward pass, in the order in which calls end. `name`: as `RecordedCall` names it; `of`: its
    class; `own`: a class of Keras itself. `finite_inputs`, `finite_outputs`: no NaN or infinity in any."""

    name: str
    of: str
    own: bool
    finite_inputs: bool
    finite_outputs: bool


@dataclass(frozen=True, kw_only=True)
class ModelDescription:
    """What a scenario needs to know of a model. `inputs`: their names; `form`: how the model takes several, "list" or
    "dict"; `keys`: of the dict. `compiled`: JSON of what it was compiled with, as Keras serializes it; "{}" if it was
    not."""

    inputs: tuple[str, ...]
    form: str
    keys: tuple[str, ...]
    compiled: str


@dataclass(frozen=True, kw_only=True)
class FileReading:
    """What a worker says of a file that it loaded; arrays lie beside it.

    `inputs`: (input, how its rows were drawn). `rows`: the sha256 of the rows; `count`: how many. `weights`: variable ->
    sha256 of its values. `constants`: "<layer>/<attribute>" -> the float that the layer holds. `missing`: variables that
    the file does not hold; `not_finite`: those that hold NaN or infinity. `drawing`: layers that drew random numbers while
    predicting. `without_evaluation`: why nothing was evaluated, where there are targets. `layers`: of the part "layers".
    `roundoff`: the unit roundoff of the coarsest dtype that a layer computes in. `described`: of the part "described".
    """

    inputs: tuple[tuple[str, str], ...] = ()
    rows: str = ""
    count: int = 0
    weights: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    not_finite: tuple[str, ...] = ()
    drawing: tuple[str, ...] = ()
    without_evaluation: str = ""
    layers: tuple[LayerOutput, ...] = ()
    roundoff: float = 2.0**-24
    described: ModelDescription | None = None


class FileWord(enum.Enum):
    """The answer for one file, from best to worst."""

    SAFE = "safe"
    UNDECIDED = "undecided"
    DIFFERENT = "different"
    INVALID = "invalid"


class FileCode(enum.StrEnum):
    """Why that is the answer. Only `report` makes sentences of codes."""

    AGREES = "agrees"  # float64 predictions are equal, float32 ones differ by their own rounding
    CONSTANTS = "constants"  # they are once no backend rounds the layers' constants
    FLOAT32_INSIDE = "float32-inside"  # a layer computes in float32 in a float64 run; float32 predictions agree
    COMPUTES = "computes-differently"
    KERNEL = "inaccurate-in-float32"
    EVALUATES = "evaluates-differently"
    INCOMPLETE_FILE = "not-in-the-file"
    SHAPES = "other-outputs"
    NOT_FINITE = "not-finite"
    RANDOM = "random"
    OTHER_ROWS = "other-rows"
    ALONE = "alone"
    NOT_LOADED = "not-loaded"
    NO_FLOAT64 = "no-float64"
    FLOAT64_ONLY = "float64-only"


@dataclass(frozen=True, kw_only=True)
class PairOfPredictions:
    """How far the predictions of two environments are apart.

    `float32`, `float64`: relative L2, of the worst output; `dyadic`: of float64 runs with dyadic constants; None: not known.
    `largest`: the largest change of a number in float32. `changed`: the share of rows whose class changes; None where
    outputs are no probabilities. `evaluation`: the largest relative difference of the loss and metrics in float64."""

    a: str
    b: str
    float32: float | None = None
    float64: float | None = None
    dyadic: float | None = None
    largest: float = 0.0
    changed: float | None = None
    evaluation: float | None = None


@dataclass(frozen=True, kw_only=True)
class FileInEnvironment:
    """One environment: whether the file loaded there (`reason`: why not), and what it predicted.

    `error`: of the float32 predictions, relative to its own float64 ones; None if there are no float64 ones, and then
    `without_float64` says why. `not_finite`: the share of rows with NaN or infinity. `repeat`: how far a second prediction
    of the same rows is from the first. `evaluation`: the loss and metrics, in float32."""

    name: str
    reason: str = ""
    error: float | None = None
    without_float64: str = ""
    not_finite: float = 0.0
    repeat: float = 0.0
    evaluation: Mapping[str, float] = field(default_factory=dict)
    without_evaluation: str = ""
    seconds: float = 0.0
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FileMeasurement:
    """What was measured of one file, before anything is judged.

    `other_rows`: environments did not predict the same rows. `other_shapes`: their outputs have other names or shapes.
    `weights`: variables that were not loaded alike. `other_constants`: settings of layers that differ. `missing`: variables
    that the file does not hold; `drawing`: layers that drew random numbers. `roundoff`: of the coarsest dtype.
    """

    environments: tuple[FileInEnvironment, ...]
    pairs: tuple[PairOfPredictions, ...] = ()
    other_rows: bool = False
    other_shapes: bool = False
    weights: tuple[str, ...] = ()
    other_constants: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    not_finite: tuple[str, ...] = ()
    drawing: tuple[str, ...] = ()
    roundoff: float = 2.0**-24

    @property
    def loaded(self) -> tuple[FileInEnvironment, ...]:
        return tuple(one for one in self.environments if not one.reason)

    def of(self, name: str) -> FileInEnvironment:
        """The environment of this name."""
        return next(one for one in self.environments if one.name == name)


@dataclass(frozen=True, kw_only=True)
class FileVerdict:
    """What is judged of one file. `odd`: the environments that are not like most; empty if nobody is in the minority.
    `pair`: the two environments between which the difference is looked for; empty if there is none."""

    word: FileWord
    code: FileCode
    odd: tuple[str, ...] = ()
    pair: tuple[str, str] | tuple[()] = ()


@dataclass(frozen=True, kw_only=True)
class LayerPlace:
    """The first layer whose outputs part although its inputs agree. `name`: empty if that is between layers, before
    `before`. `gap`: of its outputs, relative. `narrow`: no more than float32 rounds, there and in all later layers."""

    name: str
    of: str
    gap: float
    before: str = ""
    narrow: bool = False


@dataclass(frozen=True, kw_only=True)
class Side:
    """One environment's call of the layer against its independent definition. `size`: relative L2; None if there is no
    definition, and then `undefined` says why. `known`: the known defect that it is."""

    environment: str
    size: float | None
    undefined: str = ""
    known: str = ""


@dataclass(frozen=True, kw_only=True)
class FileResult:
    """What is concluded for one file. `odd`: the environments that differ from the others; empty if nobody is odd alone.
    `bytes`: of the file. `rows`: how many were predicted; `inputs`: how they were drawn. `detail`: names that belong to the
    code: of variables, of layers; or why the file was not given to any environment. `alike`: all rows have the same
    predictions, which says little."""

    file: str
    digest: str
    bytes: int
    word: FileWord
    code: FileCode
    odd: tuple[str, ...] = ()
    pair: tuple[str, ...] = ()
    detail: str = ""
    alike: bool = False
    place: LayerPlace | None = None
    sides: tuple[Side, ...] = ()
    environments: tuple[FileInEnvironment, ...] = ()
    pairs: tuple[PairOfPredictions, ...] = ()
    rows: int = 0
    seed: int = 0
    inputs: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether every environment has predicted."""
        return bool(self.environments) and not any(one.reason for one in self.environments)

    @property
    def exit_code(self) -> int:
        """0 safe everywhere, 1 different or invalid, 2 undecided, or not predicted everywhere."""
        if self.word in (FileWord.DIFFERENT, FileWord.INVALID):
            return 1
        return 0 if self.word is FileWord.SAFE and self.complete else 2


@dataclass(frozen=True, kw_only=True)
class CheckResults:
    """What `parity check` found, as check.json holds it."""

    files: tuple[FileResult, ...]
    seconds: float
    schema: int = 1

    @property
    def exit_code(self) -> int:
        """The worst of all files: a difference before what is not known."""
        codes = {one.exit_code for one in self.files}
        return 1 if 1 in codes else 2 if 2 in codes or not codes else 0
