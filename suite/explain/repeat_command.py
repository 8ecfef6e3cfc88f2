"""The command that shows a finding again: one of its pairs or checks, alone."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from suite.plan.locations import ROOT
from suite.records import Environment, Finding, Options, Plan, Provisioned, ScenarioRow

INSTALLED = re.compile(r"(?P<name>\S+) (?P<version>\S+) \(\S+\)")  # how a Source of an entry point reads
DEFAULT = Options()
BUILT_IN = Environment(name="", backend="").source


def repeatable(
    findings: Iterable[Finding], plan: Plan, scenarios: Iterable[ScenarioRow], environments: Iterable[Provisioned]
) -> tuple[Finding, ...]:
    """The findings, each with its command."""
    sources = {row.name: row.source for row in scenarios}
    files = {one.environment.name: one.environment.source for one in environments}
    return tuple(replace(one, repeat=_command(one, plan.options, sources, files)) for one in findings)


def _command(finding: Finding, options: Options, sources: dict[str, str], files: dict[str, str]) -> str:
    """Empty of a finding that covers nothing."""
    if not finding.pairs:
        return ""
    scenario, names, devices = cell(cheapest(finding.pairs))
    # The reference makes the initial weights: without it another environment would, and they would be others.
    names = list(dict.fromkeys((*names, *([options.reference] if options.reference in files else []))))
    words = ["nox", "-s", "compare-all", "--", "--scenario", scenario]
    words += _scenario_from(sources.get(scenario, ""))
    words += _flags(
        "--environments", dict.fromkeys(files[name] for name in names if files.get(name, "built in") != "built in")
    )
    words += _flags("--backend", names)
    words += ["--device", options.device, "--devices", ",".join(str(count) for count in devices)]
    if options.steps:
        words += ["--steps", str(options.steps)]
    if options.seeds:
        words += ["--seeds", str(options.seeds)]
    words += ["--seed", str(options.seed), "--reference", options.reference]
    if options.gate != DEFAULT.gate:
        words += ["--fail-on", options.gate]
    # A folder of its own: reports/latest keeps the run that had the finding.
    return shlex.join([*words, "--out", f"reports/{finding.fingerprint or scenario}"])


def cheapest(pairs: Iterable[str]) -> str:
    """Of what a finding covers, the one with the fewest devices, and of those with the fewest environments; the first of several."""
    return min(pairs, key=lambda name: (sum(_devices(run) for run in _runs(name)), len(cell(name)[1])))


def cell(name: str) -> tuple[str, list[str], list[int]]:
    """Scenario, environments and numbers of devices of a pair or check, as a finding names it."""
    parts, runs = name.split(" | "), _runs(name)
    environments = [run.split("/")[1] for run in runs]
    if len(runs) == 1 and len(parts) == 3 and not parts[2].startswith("replica "):
        environments.append(parts[2])
    return runs[0].split("/")[0], list(dict.fromkeys(environments)), sorted({_devices(run) for run in runs})


def _runs(name: str) -> list[str]:
    return [part for part in name.split(" | ") if part.count("/") >= 3]


def _devices(run: str) -> int:
    return int(run.split("/")[2].rpartition("-x")[2])


def _scenario_from(source: str) -> Iterator[str]:
    """Where the command finds the scenario, if it is not built in (into this checkout or another)."""
    path = Path(source)
    if installed := INSTALLED.fullmatch(source):
        yield from ("--plugin", f"{installed['name']}=={installed['version']}")
    elif source and not (path.parent.name == "scenarios" and (ROOT / "scenarios" / path.name).is_file()):
        yield from ("--scenario-path", _from_root(path.parent))


def _from_root(path: Path) -> str:
    """As nox finds it, which works in the checkout, wherever the command that made the finding was given."""
    whole = path.resolve() if path.exists() else path
    return str(whole.relative_to(ROOT)) if whole.is_relative_to(ROOT) else str(whole)


def _flags(option: str, values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield from (option, value)
