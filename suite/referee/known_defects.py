"""Defects of Keras that are known, and differences that its documentation states: data that findings are matched with.

Each defect has a page in docs/defects/, with the smallest script that shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One thing that is off. `kind`: "layer", "loss" or "optimizer"; `name`: of the class; `config`: its configuration, with
    what its constructor got. `shapes`: of the inputs, or of an optimizer's variables. `stage`: as in a `ZooVerdict`, or
    "refused". `packages`: versions by name. `rows`: gradients came by rows."""

    kind: str
    name: str
    backend: str
    stage: str
    config: Mapping[str, Any] = field(default_factory=dict)
    shapes: Sequence[tuple[int, ...]] = ()
    packages: Mapping[str, str] = field(default_factory=dict)
    part: str = ""
    training: bool = False
    masked: bool = False
    rows: bool = False
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
    `issue`: where it is reported upstream; empty if it is not, as far as was found. `source`: of a documented difference,
    where it is documented."""

    id: str
    title: str
    backends: tuple[str, ...]
    kind: str
    names: tuple[str, ...]
    stages: tuple[str, ...]
    affected: Mapping[str, str] = field(default_factory=dict)
    when: Callable[[Sighting], bool] = _always
    issue: str = ""
    source: str = ""

    @property
    def page(self) -> str:
        """The page about it, below the project's root; empty for a documented difference."""
        return f"docs/defects/{self.id}.md" if self.id.startswith("K") else "docs/zoo.md"


def known(sighting: Sighting) -> KnownDefect | None:
    """The first known defect or documented difference that explains the sighting; None if there is none."""
    return next((one for one in DEFECTS if _fits(one, sighting)), None)


def _fits(one: KnownDefect, sighting: Sighting) -> bool:
    return (
        sighting.backend in one.backends
        and sighting.kind == one.kind
        and (not one.names or sighting.name in one.names)
        and sighting.stage in one.stages
        and all(_within(sighting.packages.get(package), wanted) for package, wanted in one.affected.items())
        and one.when(sighting)
    )


def _within(version: str | None, wanted: str) -> bool:
    """Whether a version is one of those that a specifier names. One that is not known, or that has none, counts as such:
    a finding must not lose its name because a package hides its version."""
    if version is None:
        return True
    try:
        return SpecifierSet(wanted).contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True


DEFECTS: tuple[KnownDefect, ...] = ()
