"""The self-test that was kept last, as reports quote it: its rates, what it was measured with, and whether that is so
here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from suite.artifacts.writing import digest_of, file_digest
from suite.plan import locations
from suite.plan.locations import SUITE
from suite.records import GroundRates, Results, SelfTest, Suite
from suite.selftest.plan import BUILT_IN
from suite.selftest.score import Score, versions

# No verdict and no cause of a self-test comes from there; the scenarios are inside only where the suite is installed.
SHOWING = ("report", "scenarios")
DIGITS = 12  # of a digest, for a person


@dataclass(frozen=True, kw_only=True)
class _Fault:
    detected: bool
    cause_right: bool
    place_right: bool
    side_right: bool | None = None


@dataclass(frozen=True, kw_only=True)
class _Ground:
    """What is read of one ground; docs/selftest.md says what else it holds. An old file is one ground, without a name."""

    faults: tuple[_Fault, ...]
    clean_pairs: int
    alarms: tuple[str, ...]
    versions: dict[str, str]
    ground: str = BUILT_IN
    without_effect: tuple[object, ...] = ()
    clean_checks: int = 0
    undecided: int = 0
    suite: Suite | None = None


@dataclass(frozen=True, kw_only=True)
class _File:
    grounds: tuple[_Ground, ...]


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
    try:
        found = _grounds(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        return SelfTest(damage=f"{path.parent.name}/{path.name} cannot be read ({error})")
    return SelfTest(grounds=tuple(_with_apart(_rates(one), results) for one in found))


def other_grounds(path: Path, measured: Sequence[Score]) -> tuple[dict[str, object], ...]:
    """What the file there says of the grounds that were not measured now, to be kept with them, each with its name; nothing
    of a damaged one."""
    names = {one.ground for one in measured}
    try:
        document = json.loads(path.read_bytes())
        grounds = [one for one in document.get("grounds", [document]) if one.get("ground", BUILT_IN) not in names]
        _grounds(json.dumps({"grounds": grounds}).encode())
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return ()
    return tuple({"ground": BUILT_IN, **one} for one in grounds)


def _grounds(content: bytes) -> tuple[_Ground, ...]:
    """Raises ValueError (msgspec) if it is not such a file."""
    document = msgspec.json.decode(content)
    if isinstance(document, dict) and "grounds" in document:
        return msgspec.convert(document, _File).grounds
    return (msgspec.convert(document, _Ground),)


def _rates(found: _Ground) -> GroundRates:
    faults = found.faults
    sides = [one.side_right for one in faults if one.side_right is not None]
    return GroundRates(
        ground=found.ground,
        injected=len(faults),
        detected=sum(one.detected for one in faults),
        right_side=sum(sides) if len(sides) == len(faults) else None,
        right_cause=sum(one.cause_right for one in faults),
        right_place=sum(one.place_right for one in faults),
        cause_or_place=sum(one.cause_right or one.place_right for one in faults),
        without_effect=len(found.without_effect),
        clean_pairs=found.clean_pairs,
        clean_checks=found.clean_checks,
        undecided=found.undecided,
        alarms=found.alarms,
        versions=found.versions,
        suite=found.suite,
    )


def _with_apart(found: GroundRates, results: Results) -> GroundRates:
    return replace(found, apart=(*_packages_apart(found, results), *_suite_apart(found.suite, suite())))


def _packages_apart(found: GroundRates, results: Results) -> Iterator[str]:
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
