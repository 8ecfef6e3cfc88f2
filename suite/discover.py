"""The one loud door for scenarios, strategies and environments: folders first, then entry points; everything is validated."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from suite.records import SCENARIO_API, Broken, Environment, FoundScenario, Scenario, Source, Strategy

ROOT = Path(__file__).resolve().parent.parent
SCENARIO_GROUP = "keras_parity.scenarios"
STRATEGY_GROUP = "keras_parity.strategies"
NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
OUTPUTS = ("probabilities", "logits", "values")
BACKENDS = ("tensorflow", "jax", "torch", "fake")
STRATEGY_MEMBERS = ("name", "backends", "refuse", "semantics", "work")


class BadConfiguration(ValueError):
    """A configuration that cannot be used; the message says what was found, what was wanted and what to do."""


# ---------------------------------------------------------------- scenarios


def scenarios(folders: Sequence[Path], *, plugins: bool = True) -> tuple[tuple[FoundScenario, ...], tuple[Broken, ...]]:
    """Every scenario of the folders (each *.py that does not start with "_") and of installed packages.

    A broken one is one line and the good ones go on; of two with one name the first stays.
    """
    found: dict[str, FoundScenario] = {}
    broken: list[Broken] = []
    for source, label, load in _scenario_sources(folders, plugins):
        try:
            scenario = _valid(load())
            if scenario.name in found:
                other = found[scenario.name].source
                raise BadConfiguration(f"the name {scenario.name!r} is taken by {other}: choose another")
            found[scenario.name] = FoundScenario(scenario=scenario, source=source, digest=_digest(source))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may raise anything, sys.exit included
            broken.append(_broken(label, source, error))
    return tuple(found.values()), tuple(broken)


def _scenario_sources(folders: Sequence[Path], plugins: bool) -> Iterator[tuple[Source, str, Callable[[], Any]]]:
    for folder in folders:
        if not folder.is_dir():
            raise BadConfiguration(f"{folder} is no folder: --scenario-path wants one with scenario files")
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith("_"):
                source = Source(kind="file", location=str(path.resolve()))
                yield source, path.stem.replace("_", "-"), partial(_from_file, source)
    for entry in entry_points(group=SCENARIO_GROUP) if plugins else ():
        source = _entry_source(entry)
        yield source, entry.name, entry.load


def load_scenario(source: Source) -> Scenario:
    """The same scenario again, in a worker.

    Raises:
        BadConfiguration: it is not there, or not a scenario.
    """
    if source.kind == "file":
        return _valid(_from_file(source))
    for entry in entry_points(group=SCENARIO_GROUP):
        if entry.value == source.location:
            return _valid(entry.load())
    raise BadConfiguration(f"{source} is not installed here: give its package with --plugin")


def _from_file(source: Source) -> Any:
    path = Path(source.location)
    if not path.is_file():
        raise BadConfiguration(f"{path} is gone: it held a scenario")
    built_in = path.parent == ROOT / "scenarios"
    module = importlib.import_module(f"scenarios.{path.stem}") if built_in else _by_path(path)
    if not hasattr(module, "SCENARIO"):
        raise BadConfiguration("it defines no SCENARIO: write SCENARIO = Scenario(...), or let its name start with _")
    return module.SCENARIO


def _by_path(path: Path) -> Any:
    name = f"parity_scenario_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def _valid(scenario: Any) -> Scenario:
    if not isinstance(scenario, Scenario):
        raise BadConfiguration(f"SCENARIO is a {type(scenario).__name__}, wanted a suite.records.Scenario")
    wrong = [
        (scenario.api != SCENARIO_API, f"api is {scenario.api}, this version reads {SCENARIO_API}"),
        (not NAME.fullmatch(scenario.name), f"name is {scenario.name!r}, wanted lower case, digits, dots and hyphens"),
        (scenario.batch < 1, f"batch is {scenario.batch}, wanted at least 1"),
        (scenario.steps < 1, f"steps is {scenario.steps}, wanted at least 1"),
        (scenario.outputs not in OUTPUTS, f"outputs is {scenario.outputs!r}, wanted one of {', '.join(OUTPUTS)}"),
    ]
    for is_wrong, words in wrong:
        if is_wrong:
            raise BadConfiguration(words)
    for member in ("model", "data", "optimizer"):
        if not callable(getattr(scenario, member)):
            raise BadConfiguration(f"{member} is {getattr(scenario, member)!r}, wanted a function")
    return scenario


def _digest(source: Source) -> str:
    """The sha256 of a scenario's file and of the "_" modules beside it; of an entry point, its module and version too."""
    if source.kind == "file":
        path = Path(source.location)
        files = [path, *sorted(path.parent.glob("_*.py"))]
    else:
        spec = importlib.util.find_spec(source.location.partition(":")[0])
        files = [Path(spec.origin)] if spec and spec.origin else []
    digest = hashlib.sha256(f"{source.distribution} {source.version}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


# ---------------------------------------------------------------- strategies


def strategies() -> tuple[Mapping[str, Strategy], tuple[Broken, ...]]:
    """Built-in strategies (suite/runner/strategies/*.py) and those of installed packages, by name."""
    found: dict[str, Strategy] = {}
    broken: list[Broken] = []
    for path in sorted((ROOT / "suite" / "runner" / "strategies").glob("[!_]*.py")):
        strategy = _valid_strategy(importlib.import_module(f"suite.runner.strategies.{path.stem}").STRATEGY)
        found[strategy.name] = strategy
    for entry in entry_points(group=STRATEGY_GROUP):
        source = _entry_source(entry)
        try:
            strategy = _valid_strategy(entry.load())
            if strategy.name in found:
                raise BadConfiguration(f"the name {strategy.name!r} is taken: choose another")
            found[strategy.name] = strategy
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            broken.append(_broken(entry.name, source, error))
    return found, tuple(broken)


def _valid_strategy(strategy: Any) -> Strategy:
    missing = [member for member in STRATEGY_MEMBERS if not hasattr(strategy, member)]
    if missing:
        raise BadConfiguration(f"{strategy!r} has no {missing[0]}: a strategy has {', '.join(STRATEGY_MEMBERS)}")
    valid: Strategy = strategy
    return valid


# ---------------------------------------------------------------- what broke


def _entry_source(entry: EntryPoint) -> Source:
    name, version = (entry.dist.name, entry.dist.version) if entry.dist else ("", "")
    return Source(kind="entry point", location=entry.value, distribution=name, version=version)


def _broken(name: str, source: Source, error: BaseException) -> Broken:
    """One line: what was raised, and the innermost line of the plugin's own file."""
    words = " ".join(str(error).split()) or "no message"
    reason = words if isinstance(error, BadConfiguration) else f"{type(error).__name__}: {words}"
    where = str(source)
    if source.kind == "file":
        line = next(
            (
                frame.lineno
                for frame in reversed(traceback.extract_tb(error.__traceback__))
                if frame.filename == source.location
            ),
            error.lineno if isinstance(error, SyntaxError) and error.filename == source.location else None,
        )
        where += f":{line}" if line else ""
    return Broken(name=name, source=where, reason=reason[:500])


# ---------------------------------------------------------------- environments

KEYS = {"backend", "requirements", "python", "pythonpath", "variables"}


def environments(files: Sequence[Path] = ()) -> tuple[Environment, ...]:
    """The built-in environments of pyproject.toml, then those of the user's TOML files.

    Raises:
        BadConfiguration: a file that cannot be read or used, in one sentence.
    """
    found = {one.name: one for one in _built_in()}
    for file in files:
        for name, table in _tables(file).items():
            if name in found:
                raise BadConfiguration(
                    f"{file}: environment {name!r} exists already ({found[name].source}): choose another name"
                )
            found[name] = _environment(name, table, file)
    return tuple(found.values())


def _built_in() -> Iterator[Environment]:
    path = ROOT / "pyproject.toml"
    if not path.is_file():
        raise BadConfiguration(f"no {path}: the suite runs from its checkout, installed with pip install -e")
    project = tomllib.loads(path.read_text())
    groups = project["dependency-groups"]
    for name, table in project["tool"]["parity"]["environments"].items():
        yield Environment(
            name=name,
            backend=table["backend"],
            requirements=_group(groups, table["requirements"]),
            gpu_requirements=_group(groups, table["gpu-requirements"]),
        )


def _group(groups: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The requirements of a dependency group, included groups too (PEP 735)."""
    found: list[str] = []
    for entry in groups[name]:
        found += [entry] if isinstance(entry, str) else _group(groups, entry["include-group"])
    return tuple(found)


def _tables(file: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(file.read_text()).get("environments")
    except OSError as error:
        raise BadConfiguration(f"{file} cannot be read ({error.strerror}): --environments wants a TOML file") from None
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration(f"{file} is not TOML: {error}") from None
    if not isinstance(tables, dict) or not tables:
        raise BadConfiguration(f"{file} has no [environments.NAME] table: see docs/environments.md")
    return tables


def _environment(name: str, table: Any, file: Path) -> Environment:
    where = f"{file}: environment {name!r}"
    if not isinstance(table, dict):
        raise BadConfiguration(f"{where} is {table!r}, wanted a table")
    if not NAME.fullmatch(name):
        raise BadConfiguration(f"{where}: a name has lower case, digits, dots and hyphens")
    if unknown := sorted(table.keys() - KEYS):
        raise BadConfiguration(f"{where} has the unknown key {unknown[0]!r}; it may have {', '.join(sorted(KEYS))}")
    if table.get("backend") not in BACKENDS:
        raise BadConfiguration(f"{where} has backend {table.get('backend')!r}, wanted one of {', '.join(BACKENDS)}")
    if table["backend"] != "fake" and ("requirements" in table) == ("python" in table):
        raise BadConfiguration(f"{where} wants either requirements or python, not both and not neither")
    strings = [*table.get("requirements", []), *table.get("pythonpath", []), *table.get("variables", {}).values()]
    if not all(isinstance(value, str) for value in strings):
        raise BadConfiguration(f"{where}: requirements, pythonpath and variables hold strings")
    requirements = tuple(table.get("requirements", ()))
    base = file.resolve().parent
    return Environment(
        name=name,
        backend=table["backend"],
        requirements=requirements,
        gpu_requirements=requirements,
        python=_absolute(base, table["python"]) if "python" in table else "",
        pythonpath=tuple(_absolute(base, entry) for entry in table.get("pythonpath", ())),
        variables=tuple(sorted(table.get("variables", {}).items())),
        source=str(file),
    )


def _absolute(base: Path, entry: str) -> str:
    # Not resolved: an interpreter of a virtual environment is a link, and what it links to is another environment.
    return str(base / Path(entry).expanduser())
