"""The command that shows a finding again: one of its pairs or checks, alone."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from suite.plan.locations import ROOT, SCENARIOS
from suite.plan.variants import SEPARATOR
from suite.records import DEFAULT as DEFAULT_PRECISION
from suite.records import EXACT, ConsistencyCheck, Environment, Finding, Member, Options, Results

INSTALLED = re.compile(r"(?P<name>\S+) (?P<version>\S+) \(\S+\)")  # how a Source of an entry point reads
DEFAULT = Options()
BUILT_IN = Environment(name="", backend="").source


def command(finding: Finding, results: Results) -> str:
    """Empty if the finding covers nothing."""
    if not finding.members:
        return ""
    options = results.plan.options
    files = {ready.environment.name: ready.environment.source for ready in results.environments}
    source = next((row.source for row in results.scenarios if row.name == _cheapest(finding.members).scenario), "")
    member = _cheapest(finding.members)
    # The reference makes the initial weights: without it a different environment would, and they would not be the same.
    names = list(dict.fromkeys((*_environments(member), *([options.reference] if options.reference in files else []))))
    words = ["nox", "-s", "compare-all", "--", "--scenario", member.scenario]
    words += _scenario_from(source)
    words += _flags("--environments", dict.fromkeys(files[name] for name in names if files.get(name, BUILT_IN) != BUILT_IN))
    words += _flags("--environment", names)
    devices = sorted({run.configuration.devices for run in member.runs})
    words += ["--device", options.device, "--devices", ",".join(str(count) for count in devices)]
    words += _numerics(names, results)
    words += ["--virtual-devices"] if options.virtual_devices else []
    words += ["--over-hosts"] if options.over_hosts else []
    if options.steps:
        words += ["--steps", str(options.steps)]
    if options.seeds:
        words += ["--seeds", str(options.seeds)]
    words += ["--seed", str(options.seed), "--reference", options.reference]
    if options.gate != DEFAULT.gate:
        words += ["--fail-on", options.gate.replace(" ", "-")]
    # A folder of its own: reports/latest keeps the run that had the finding.
    return shlex.join([*words, "--out", f"reports/{finding.fingerprint or member.scenario}"])


def _numerics(names: Iterable[str], results: Results) -> Iterator[str]:
    """What of the command said how environments without a word of their own compute: none adds variants here."""
    plain = [one.environment for one in results.environments if one.environment.name in names]
    plain = [one for one in plain if SEPARATOR not in one.name]
    if any(one.device == "gpu" for one in plain):
        yield from ("--precision", EXACT if all(one.precision == EXACT for one in plain) else DEFAULT_PRECISION)
    if plain and all(one.deterministic for one in plain):
        yield "--deterministic"


def _cheapest(members: Iterable[Member]) -> Member:
    """The one with the fewest devices, and of those with the fewest environments; the first of several."""
    return min(
        members,
        key=lambda member: (sum(run.configuration.devices for run in member.runs), len(set(_environments(member)))),
    )


def _environments(member: Member) -> list[str]:
    """Those that a pair or check needs."""
    names = [run.configuration.environment for run in member.runs]
    if isinstance(member, ConsistencyCheck) and member.kind != "replica":
        names.append(member.environment)
    return list(dict.fromkeys(names))


def _scenario_from(source: str) -> Iterator[str]:
    """Where the command finds the scenario, if it is not built in (into this checkout or another)."""
    path = Path(source)
    if installed := INSTALLED.fullmatch(source):
        yield from ("--plugin", f"{installed['name']}=={installed['version']}")
    elif source and not (path.parent.name == "scenarios" and (SCENARIOS / path.name).is_file()):
        yield from ("--scenario-path", _from_root(path.parent))


def _from_root(path: Path) -> str:
    """As nox finds it, which works in the checkout, wherever the command that made the finding was given."""
    whole = path.resolve() if path.exists() else path
    return str(whole.relative_to(ROOT)) if whole.is_relative_to(ROOT) else str(whole)


def _flags(option: str, values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield from (option, value)
