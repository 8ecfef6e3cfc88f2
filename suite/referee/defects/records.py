"""A known defect, and a sighting that may be one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# What a sighting's detail may be, beside what a backend says.
OF_VALIDATION = "the number of the validation"  # what `fit` says of a metric
AS_IN_PREDICTION = "as in prediction"  # what a layer computes in training
AS_IN_TRAINING = "as in training"  # what a layer computes where the model predicts, because of this one
NO_GRADIENT = "no gradient"  # the loss does not depend on the weight
OVER_REPLICAS = "over replicas"  # it shows on several devices alone


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One thing that is off. `kind`: "layer", "operation", "loss", "metric", "optimizer", "training", "formats" or
    "parameters"; `name`: of the class, or of the function; `config`: its configuration, with what its constructor got.
    `shapes`: of the inputs, or of an optimizer's variables. `stage`: as in a `ZooVerdict`, or "refused". `packages`:
    versions by name. `precision`: "float64" or "float32". `rows`: gradients came by rows; `dense`: not that of this part.
    `infinite`: something that went in was NaN or infinite; `integers`: all that went in was integers."""

    kind: str
    name: str
    backend: str
    stage: str
    config: Mapping[str, Any] = field(default_factory=dict)
    shapes: Sequence[tuple[int, ...]] = ()
    packages: Mapping[str, str] = field(default_factory=dict)
    part: str = ""
    precision: str = ""
    training: bool = False
    masked: bool = False
    rows: bool = False
    dense: bool = False
    infinite: bool = False
    integers: bool = False
    detail: str = ""

    def argument(self, name: str, default: Any = None) -> Any:
        value = self.config.get(name)
        return default if value is None else value


def _always(_: Sighting) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class KnownDefect:
    """`id`: K-... for a defect, D-... for a documented difference. `backends`: those that have it. `affected`: a version
    specifier by package; all that are not named are affected whatever their version. `when`: what else must hold.
    `operations`: functions of `keras.ops` that have the same defect, whatever else holds.
    `issue`: where it is reported upstream; empty if it is not, as far as was found. `source`: of a documented difference,
    where it is documented. `scripts`: their names in docs/defects/scripts/: on these backends, in the versions that are
    affected, they exit with 1, and on all others with 0.
    """

    id: str
    title: str
    backends: tuple[str, ...]
    kind: str
    names: tuple[str, ...]
    stages: tuple[str, ...]
    affected: Mapping[str, str] = field(default_factory=dict)
    when: Callable[[Sighting], bool] = _always
    operations: tuple[str, ...] = ()
    issue: str = ""
    source: str = ""
    scripts: tuple[str, ...] = ()

    @property
    def page(self) -> str:
        """The page about it, below the project's root; empty for a documented difference."""
        return f"docs/defects/{self.id}.md" if self.id.startswith("K") else "docs/zoo.md"
