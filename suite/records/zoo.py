"""The zoo: single calls of layers and losses, and single updates of optimizers: what a worker is asked, and its answer."""

from __future__ import annotations

import hashlib
import json
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
