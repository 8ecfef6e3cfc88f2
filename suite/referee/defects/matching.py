"""Which known defect explains a sighting."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from suite.referee.defects.records import KnownDefect, Sighting
from suite.referee.defects.table import DEFECTS


def known(sighting: Sighting) -> KnownDefect | None:
    """The first known defect or documented difference that explains the sighting; None if there is none."""
    return next((one for one in DEFECTS if _fits(one, sighting)), None)


def affects(one: KnownDefect, backend: str, packages: Mapping[str, str]) -> bool:
    """Whether a backend has the defect in these versions."""
    versions = all(_within(packages.get(package), wanted) for package, wanted in one.affected.items())
    return backend in one.backends and versions


def _fits(one: KnownDefect, sighting: Sighting) -> bool:
    return (
        affects(one, sighting.backend, sighting.packages)
        and sighting.stage in one.stages
        and (_is_of(one, sighting) or (sighting.kind == "operation" and sighting.name in one.operations))
    )


def _is_of(one: KnownDefect, sighting: Sighting) -> bool:
    return sighting.kind == one.kind and (not one.names or sighting.name in one.names) and one.when(sighting)


def _within(version: str | None, wanted: str) -> bool:
    """Whether a version is one of those that a specifier names. One that is not known, or that has none, counts as such:
    a finding must not lose its name because a package hides its version."""
    if version is None:
        return True
    try:
        return SpecifierSet(wanted).contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True
