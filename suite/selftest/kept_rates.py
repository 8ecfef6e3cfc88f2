"""The self-test that was kept last, as reports quote it: its rates, what it was measured with, and whether that is so
here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from suite.artifacts.store import digest_of, file_digest
from suite.plan import locations
from suite.plan.locations import SUITE
from suite.records import Results, SelfTest, Suite
from suite.selftest.score import versions

# No verdict and no cause of a self-test comes from there; the scenarios are inside only where the suite is installed.
SHOWING = ("report", "scenarios")
DIGITS = 12  # of a digest, for a person


@dataclass(frozen=True, kw_only=True)
class _Fault:
    detected: bool
    cause_right: bool
    place_right: bool


@dataclass(frozen=True, kw_only=True)
class _File:
    """What is read of a selftest.json; docs/selftest.md says what else it holds. Old ones do not say which suite made
    them."""

    faults: tuple[_Fault, ...]
    clean_pairs: int
    alarms: tuple[str, ...]
    versions: dict[str, str]
    suite: Suite | None = None


def suite() -> Suite:
    """The suite as it is here."""
    files = [path for path in sorted(SUITE.rglob("*.py")) if path.relative_to(SUITE).parts[0] not in SHOWING]
    return Suite(
        version=locations.version(),
        digest=digest_of([(path.relative_to(SUITE).as_posix(), file_digest(path)) for path in files]),
    )


def quoted(path: Path, results: Results) -> SelfTest | None:
    """What a report of these results says of the self-test in a file; None if there is no file. A damaged one is a
    sentence."""
    found = _read(path)
    if found is None or found.damage:
        return found
    return replace(found, apart=(*_packages_apart(found, results), *_suite_apart(found.suite, suite())))


def _read(path: Path) -> SelfTest | None:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        return SelfTest(damage=f"{path.parent.name}/{path.name} cannot be read ({error})")
    return SelfTest(
        injected=len(found.faults),
        detected=sum(one.detected for one in found.faults),
        right_cause=sum(one.cause_right for one in found.faults),
        right_place=sum(one.place_right for one in found.faults),
        clean_pairs=found.clean_pairs,
        alarms=found.alarms,
        versions=found.versions,
        suite=found.suite,
    )


def _packages_apart(found: SelfTest, results: Results) -> Iterator[str]:
    """Of packages that are not here nothing is said: a run on one backend has one backend's."""
    here: dict[str, list[str]] = {}
    for one in results.environments:
        if not one.reason:
            for package, version in versions(replace(results, environments=(one,))).items():
                here.setdefault(package, []).append(version)
    for package, every in sorted(here.items()):
        others = sorted({version for version in every if version != found.versions.get(package)})
        then = f"with {package} {found.versions[package]}" if package in found.versions else f"without {package}"
        if others:
            yield f"measured {then}, and this run has {package} {' and '.join(others)}"


def _suite_apart(then: Suite | None, here: Suite) -> Iterator[str]:
    if then is None:
        yield "measured by an unknown version of keras-parity"
    elif then.version != here.version:
        yield f"measured by keras-parity {then.version}, and this is {here.version}"
    elif then.digest != here.digest:
        yield f"measured before the code of keras-parity changed ({then.digest[:DIGITS]} then, {here.digest[:DIGITS]} now)"
