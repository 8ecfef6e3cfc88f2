"""The one loud door for scenarios and strategies: folders first, then entry points; everything is validated."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from suite.plan import trial
from suite.plan.locations import SCENARIOS
from suite.plan.strategies import BUILT_IN
from suite.plan.validation import NAME as NAME  # of scenarios, for whoever writes one
from suite.plan.validation import valid_scenario, valid_strategy
from suite.records import (
    Broken,
    BrokenPlugin,
    ConfigurationError,
    FoundScenario,
    Scenario,
    ScenarioVariant,
    Source,
    Strategy,
    showing,
)

SCENARIO_GROUP = "keras_parity.scenarios"
STRATEGY_GROUP = "keras_parity.strategies"
IMPORTED_INSIDE = "The command reads this file where no backend is: import Keras and the like where functions need them"


# ---------------------------------------------------------------- scenarios


def scenarios(folders: Sequence[Path], *, plugins: bool = True) -> tuple[tuple[FoundScenario, ...], tuple[Broken, ...]]:
    """Every scenario of the folders (each *.py that does not start with "_") and of installed packages.

    A broken one is one line and the good ones go on; of two with one name the first stays. Each is imported in a process of
    its own first: what that does not survive is broken, and is not imported here.
    """
    found: dict[str, FoundScenario] = {}
    broken: list[Broken] = []
    for source, label, load in _scenario_sources(folders, plugins):
        if wrong := _tried(label, source, lambda load=load: valid_scenario(load())):  # type: ignore[misc]
            broken.append(wrong)
            continue
        try:
            scenario = valid_scenario(load())
            if scenario.name in found:
                other = found[scenario.name].source
                raise ConfigurationError(f"the name {scenario.name!r} is taken by {other}: choose another")
            found[scenario.name] = FoundScenario(scenario=scenario, source=source, digest=digest_of(source, scenario.files))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may raise anything, sys.exit included
            broken.append(_broken(label, source, error))
    return tuple(found.values()), tuple(broken)


def _scenario_sources(folders: Sequence[Path], plugins: bool) -> Iterator[tuple[Source, str, Callable[[], Any]]]:
    if missing := [folder for folder in folders if not folder.is_dir()]:
        raise ConfigurationError(f"{missing[0]} is not a folder: give --scenario-path a folder with scenario files")
    # A folder given twice is one folder: its scenarios are not duplicates of themselves.
    paths = dict.fromkeys(path.resolve() for folder in folders for path in sorted(folder.glob("[!_]*.py")))
    for path in paths:
        source = Source(kind="file", location=str(path))
        yield source, path.stem.replace("_", "-"), partial(_alone, source)
    for entry in entry_points(group=SCENARIO_GROUP) if plugins else ():
        source = _entry_source(entry)
        yield source, entry.name, entry.load


def load_scenario(source: Source) -> Scenario:
    """The same scenario again, in a worker: one process, one scenario, so what it imports later is still found.

    Raises:
        ConfigurationError: it is not there, or not a scenario.
    """
    if source.variant is not None:
        return varied(load_scenario(replace(source, variant=None)), source.variant)
    if source.kind == "file":
        return valid_scenario(_from_file(source))
    for entry in entry_points(group=SCENARIO_GROUP):
        if entry.value == source.location:
            if (here := _entry_source(entry)) != source:
                raise ConfigurationError(
                    f"{here} is installed here, but {source} is needed: pin its version where it is given"
                )
            return valid_scenario(entry.load())
    raise ConfigurationError(f"{source} is not installed here: give its package with --plugin")


def varied(scenario: Scenario, variant: ScenarioVariant) -> Scenario:
    """The scenario as a variant of it. Its model and its data are changed where they are made, in a worker."""
    return replace(
        scenario,
        name=variant.name,
        description=variant.description,
        synchronized=variant.normalization == "synchronized",
        last_batch=variant.last_batch,
        variant=variant,
    )


def _alone(source: Source) -> Any:
    """A file's SCENARIO; afterwards the modules beside it are forgotten, for the next folder may have others of that
    name."""
    folder, path, modules = Path(source.location).parent, list(sys.path), set(sys.modules)
    try:
        return _from_file(source)
    finally:
        sys.path[:] = path
        if folder != SCENARIOS:
            for name in sys.modules.keys() - modules:
                if Path(getattr(sys.modules[name], "__file__", None) or "").parent == folder:
                    del sys.modules[name]


def _from_file(source: Source) -> Any:
    path = Path(source.location)
    if not path.is_file():
        raise ConfigurationError(f"{path} is gone: it held a scenario")
    if path.is_relative_to(SCENARIOS):
        _know_built_in()
    module = importlib.import_module(f"{SCENARIOS.name}.{path.stem}") if path.parent == SCENARIOS else _by_path(path)
    if not hasattr(module, "SCENARIO"):
        raise BrokenPlugin("it defines no SCENARIO: write SCENARIO = Scenario(...), or start its name with _")
    return module.SCENARIO


def _know_built_in() -> None:
    """Makes the package `scenarios` importable from where it is: inside an installed suite it is on no path, and in the
    user's folder there may be another of that name."""
    package = sys.modules.get(SCENARIOS.name)
    if package is not None and str(SCENARIOS) in getattr(package, "__path__", ()):
        return
    file = SCENARIOS / "__init__.py"
    spec = importlib.util.spec_from_file_location(SCENARIOS.name, file, submodule_search_locations=[str(SCENARIOS)])
    assert spec is not None and spec.loader is not None
    sys.modules[SCENARIOS.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[SCENARIOS.name])


def _by_path(path: Path) -> Any:
    name = f"parity_scenario_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # last: a scenario file called torch.py must not become torch
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def digest_of(source: Source, files: Sequence[str] = ()) -> str:
    """The sha256 of a scenario's file, of the "_" modules beside it, and of the files that it names; for an installed one,
    of its version too.

    Raises:
        BrokenPlugin: one of these files is not there.
    """
    if source.kind == "file":
        path = Path(source.location)
    else:
        spec = importlib.util.find_spec(source.location.partition(":")[0])
        path = Path(spec.origin) if spec and spec.origin else Path()
    digest = hashlib.sha256(f"{source.distribution} {source.version}".encode())
    for file in [path, *sorted(path.parent.glob("_*.py"))] if path.is_file() else ():
        digest.update(f"{file.name} ".encode() + file.read_bytes())
    for name in files:
        if not (path.parent / name).is_file():
            raise BrokenPlugin(f"files names {name}, which is no file in {path.parent}")
        digest.update(f"{name} ".encode() + (path.parent / name).read_bytes())
    return digest.hexdigest()


# ---------------------------------------------------------------- strategies


def strategies(*, tried: bool = True) -> tuple[Mapping[str, Strategy], tuple[Broken, ...]]:
    """The built-in strategies (suite/plan/strategies.py) and those of installed packages, by name. Imports no worker.
    `tried`: each is imported in a process of its own first, as scenarios are."""
    known = {strategy.name: strategy for strategy in map(valid_strategy, BUILT_IN)}
    broken: list[Broken] = []
    for entry in entry_points(group=STRATEGY_GROUP):
        source = _entry_source(entry)
        if tried and (wrong := _tried(entry.name, source, lambda entry=entry: valid_strategy(entry.load()))):  # type: ignore[misc]
            broken.append(wrong)
            continue
        try:
            strategy = valid_strategy(entry.load())
            if strategy.name in known:
                raise ConfigurationError(f"the name {strategy.name!r} is taken: choose another")
            known[strategy.name] = strategy
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            broken.append(_broken(entry.name, source, error))
    return known, tuple(broken)


# ---------------------------------------------------------------- what broke


def _entry_source(entry: EntryPoint) -> Source:
    name, version = (entry.dist.name, entry.dist.version) if entry.dist else ("", "")
    return Source(kind="entry point", location=entry.value, distribution=name, version=version)


def _tried(name: str, source: Source, load: Callable[[], object]) -> Broken | None:
    """What is broken, if it is; found out in a process of its own."""

    def loaded() -> Broken | None:
        try:
            load()
        except BaseException as error:  # also an interrupt: nobody has pressed a key here
            return _broken(name, source, error)
        return None

    answer = trial.attempt(loaded)
    if isinstance(answer, Broken):
        return answer
    return Broken(name=name, source=str(source), reason=answer) if answer else None


def _broken(name: str, source: Source, error: BaseException) -> Broken:
    """One line: what was raised, and the innermost line of the plugin's own file."""
    words = _words(error)
    reason = words if isinstance(error, ConfigurationError) else f"{type(error).__name__}: {words}"
    if isinstance(error, ModuleNotFoundError):
        reason = f"{reason}. {IMPORTED_INSIDE}"
    line = _line(Path(source.location), error) if source.kind == "file" else 0
    return Broken(name=name, source=f"{source}:{line}" if line else str(source), reason=reason[:500])


def _words(error: BaseException) -> str:
    try:
        return " ".join(showing.visible(str(error)).split()) or "no message"
    except Exception:  # its __str__ is the plugin's code
        return "a message that cannot be read"


def _line(path: Path, error: BaseException) -> int:
    """The line of the file that raised; that it was not parsed at; or that defines SCENARIO. 0: no such line."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if frame.f_code.co_filename == str(path):
            return line
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno or 0
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    return next((number for number, text in enumerate(lines, 1) if re.match(r"SCENARIO\b", text)), 0)
