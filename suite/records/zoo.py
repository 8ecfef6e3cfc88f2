"""The zoo: single calls of layers and losses, and single updates of optimizers: what a worker is asked, and its answer."""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from suite.records.vocabulary import Status


@dataclass(frozen=True, kw_only=True)
class Values:
    """What an array of a case holds. `holds`: "normal", "positive" (0.1 to 2), "unit" (0.05 to 0.95), "large mean" (100 and
    more), "saturated" (some 30), "pixels" (0 to 255), "distribution" (rows that sum to 1), "one-hot" (along the last
    axis), "binary" (0 or 1), "signs" (-1 or 1), "indices" (integers from 0 to below `below`), "labels" (the same as
    floats), "classes" (integers from 1), "padding" (booleans: True up to some place of each row), "booleans", and of
    an optimizer's variable "rows": its gradients are by rows. All floats are exact in float32."""

    shape: tuple[int, ...]
    holds: str = "normal"
    below: int = 0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One call, without its dtype: every case runs in float64 and in float32.

    `kind`: "layer", "loss" or "optimizer"; `name`: of the class. `arguments`: JSON of what its constructor gets.

    Of a layer: `inputs`, and how they are passed, `passed`: "each" (layer(a, b)), "list" (layer([a, b])) or "states"
    (layer(a, [b, c])). `masks`: one for each input, or none at all. `call`: JSON of the other arguments of the call.

    Of a loss: `inputs` are y_true, y_pred and, if there is a third, sample_weight; `masks`: at most one, of y_pred.

    Of an optimizer: `inputs` are its variables; those that hold "rows" get gradients by rows, some of them twice. `call`:
    {"updates": how many, "size": of the gradients}.
    """

    kind: str
    name: str
    arguments: str = "{}"
    inputs: tuple[Values, ...] = ()
    passed: str = "each"
    masks: tuple[Values | None, ...] = ()
    call: str = "{}"
    training: bool = False
    seed: int = 0

    @property
    def id(self) -> str:
        """The name of the class, and eight digits that depend on everything else in the case."""
        return f"{self.name}-{hashlib.sha256(self.text.encode()).hexdigest()[:8]}"

    @property
    def text(self) -> str:
        """All of it as JSON."""
        return json.dumps([_plain(getattr(self, one.name)) for one in fields(self)])


def _plain(value: object) -> object:
    if isinstance(value, Values):
        return [value.shape, value.holds, value.below]
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a worker says about one case; its arrays lie beside, see `suite.artifacts.names`.

    `status`: complete, or unsupported, and then `reason` is what the backend said. `config`: JSON of the serialized
    configuration of the layer, loss or optimizer. `without_gradient`: why there is no gradient; empty if there is one.
    `rates`: the learning rate of each update.
    """

    case: str
    status: Status
    reason: str = ""
    config: str = "{}"
    without_gradient: str = ""
    rates: tuple[float, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Readings:
    """The answers to the cases of one job, in their order."""

    readings: tuple[Reading, ...] = field(default_factory=tuple)


class Word(enum.Enum):
    """What is said about one case on one environment, from best to worst."""

    AGREES = "agrees"
    UNDEFINED = "undefined"  # there is no definition; it computes what the other environments compute
    UNSUPPORTED = "unsupported"  # the backend refuses the call
    INSIDE = "float32 inside"  # a float64 run is off by what float32 rounds: somewhere inside it computes in float32
    DIFFERS = "differs"  # there is no definition, and it does not compute what the others compute
    DEPARTS = "departs"  # it does not compute what the referee defines
    FAULTY = "faulty definition"  # the definition itself raised something

    @property
    def rank(self) -> int:
        """0 is best."""
        return list(Word).index(self)

    @property
    def needs_an_explanation(self) -> bool:
        return self in (Word.DIFFERS, Word.DEPARTS, Word.FAULTY)


@dataclass(frozen=True, kw_only=True)
class ZooVerdict:
    """The worst that is said about a case on an environment.

    `stage`: "forward", "state", "gradient", "schedule", "update", "slots", "process" (the case took its process with it), or
    "config" (an argument is missing from the serialized configuration). `part`: the array, as it is named in the artifact,
    or the argument. `distance`: relative, and infinite for other shapes or NaN. `detail`: a refusal's reason, or why there
    is no definition.
    """

    environment: str
    word: Word
    stage: str = ""
    part: str = ""
    precision: str = ""
    distance: float = 0.0
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class JudgedCase:
    """`alike`: several environments depart, and from each other they do not: then the definition is suspected as well."""

    case: Case
    verdicts: tuple[ZooVerdict, ...]
    alike: bool = False

    def of(self, environment: str) -> ZooVerdict | None:
        return next((one for one in self.verdicts if one.environment == environment), None)


@dataclass(frozen=True, kw_only=True)
class ZooFinding:
    """The same word about one class on one environment, in one stage. `known`: the id of the known defect or documented
    difference that explains it; empty if none does. `cases`: how many; `largest`: their largest distance. `smallest`: the
    smallest case that shows it, and `line` the same in plain Keras. `alike`: other environments do the same."""

    environment: str
    kind: str
    name: str
    word: Word
    stage: str
    precision: str
    cases: int
    largest: float
    smallest: Case
    line: str
    alike: bool = False
    known: str = ""
    title: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class ZooResults:
    """What the zoo found. `cases`: how many calls; each ran in `precisions` on every environment. `words`: how often each
    word was said, by environment. `packages`: versions by environment. `missing`: environments that could not be made, with
    the reason."""

    cases: int
    precisions: tuple[str, ...]
    seed: int
    seconds: float
    packages: Mapping[str, Mapping[str, str]]
    words: Mapping[str, Mapping[str, int]]
    findings: tuple[ZooFinding, ...]
    missing: Mapping[str, str] = field(default_factory=dict)
