"""The door for installed packages: they bring scenarios and strategies, and a broken one stops nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from suite.plan import discover
from suite.plan.discover import load_scenario, scenarios, strategies
from suite.plan.locations import ROOT
from suite.plan.strategies import BUILT_IN
from suite.records import Broken, ConfigurationError, FoundScenario, Source
from tests.plan.scenario_files import GOOD, good, write

DISTRIBUTION = "{name}-{version}.dist-info"
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a distribution on the import path: a module, its metadata, an entry point."""
    site, before = tmp_path / "site", set(sys.modules)
    monkeypatch.syspath_prepend(str(site))

    def one(name: str, text: str, *, group: str, attribute: str, version: str = "1.2") -> None:
        write(site, f"{name}.py", text)
        folder = site / DISTRIBUTION.format(name=name, version=version)
        write(folder, "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        write(folder, "entry_points.txt", f"[{group}]\n{name} = {name}:{attribute}\n")

    yield one
    for name in sys.modules.keys() - before:
        del sys.modules[name]


# ---------------------------------------------------------------- installed packages


def installed(folders: tuple[Path, ...] = ()) -> tuple[dict[str, FoundScenario], tuple[Broken, ...]]:
    found, broken = scenarios(folders)
    return {one.scenario.name: one for one in found}, broken


def test_an_installed_package_brings_a_scenario(install: Install) -> None:
    install("parity_example", GOOD.replace("{name}", "installed"), group=discover.SCENARIO_GROUP, attribute="SCENARIO")
    found, broken = installed()
    assert broken == ()
    assert str(found["installed"].source) == "parity_example 1.2 (parity_example:SCENARIO)"
    assert load_scenario(found["installed"].source).name == "installed"
    assert scenarios([], plugins=False) == ((), ())


def test_a_different_version_in_the_worker_is_not_the_same_scenario(install: Install) -> None:
    install("parity_example", GOOD.replace("{name}", "installed"), group=discover.SCENARIO_GROUP, attribute="SCENARIO")
    source = Source(kind="entry point", location="parity_example:SCENARIO", distribution="parity_example", version="1.1")
    with pytest.raises(ConfigurationError, match=r"parity_example 1.2 .* is installed here, but parity_example 1.1"):
        load_scenario(source)


def test_the_digest_of_an_installed_one_changes_with_its_source_and_its_version(install: Install, tmp_path: Path) -> None:
    def now() -> str:
        return installed()[0]["installed"].digest

    text = GOOD.replace("{name}", "installed")
    install("parity_example", text, group=discover.SCENARIO_GROUP, attribute="SCENARIO")
    first = now()
    write(tmp_path / "site", "parity_example.py", text + "# more\n")
    second = now()
    write(tmp_path / "site", "_beside.py", "X = 1\n")
    third = now()
    metadata = tmp_path / "site" / DISTRIBUTION.format(name="parity_example", version="1.2") / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.2", "1.3"))
    assert len({first, second, third, now()}) == 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import sys; sys.exit(2)", "SystemExit: 2"),
        ("x = 1", "AttributeError"),
        ("SCENARIO = 3", "SCENARIO is a int"),
        ("import no_such_module_here", "ModuleNotFoundError"),
    ],
)
def test_a_broken_package_is_one_line_with_its_version(install: Install, tmp_path: Path, text: str, reason: str) -> None:
    install("parity_example", text, group=discover.SCENARIO_GROUP, attribute="SCENARIO")
    good(tmp_path / "mine", "one")
    found, broken = installed((tmp_path / "mine",))
    assert list(found) == ["one"]
    assert [(one.name, one.source) for one in broken] == [("parity_example", "parity_example 1.2 (parity_example:SCENARIO)")]
    assert broken[0].reason.startswith(reason)


def test_a_folder_comes_before_an_installed_package(install: Install, tmp_path: Path) -> None:
    install("parity_example", GOOD.replace("{name}", "one"), group=discover.SCENARIO_GROUP, attribute="SCENARIO")
    path = good(tmp_path / "mine", "one")
    found, broken = installed((tmp_path / "mine",))
    assert found["one"].source.location == str(path)
    assert broken[0].reason == f"the name 'one' is taken by {path}: choose another"


# ---------------------------------------------------------------- strategies

STRATEGY = """from suite.records import Semantics, Strategy

STRATEGY = Strategy(
    name="mine",
    backends=frozenset({"jax"}),
    refuse=lambda devices: "",
    semantics=lambda scenario, devices: Semantics(),
    worker="parity_nowhere.worker:work",
)
"""


def test_every_built_in_strategy_has_a_name_and_a_file_of_its_own() -> None:
    found, broken = strategies()
    files = {path.stem for path in (ROOT / "suite" / "runner" / "strategies").glob("[!_]*.py")}
    assert len(found) == len(BUILT_IN) and broken == ()
    assert {strategy.worker for strategy in found.values()} == {f"suite.runner.strategies.{file}:work" for file in files}


def test_an_installed_package_brings_a_strategy_whose_worker_is_not_imported(install: Install) -> None:
    install("parity_mine", STRATEGY, group=discover.STRATEGY_GROUP, attribute="STRATEGY")
    found, broken = strategies()
    assert found["mine"].backends == {"jax"} and broken == ()
    assert "parity_nowhere" not in sys.modules


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("STRATEGY = object()", "STRATEGY is a object, wanted a suite.records.Strategy"),
        (STRATEGY.replace('refuse=lambda devices: ""', 'refuse=""'), "refuse is '', wanted a function"),
        (STRATEGY.replace("worker:work", "worker"), "worker is 'parity_nowhere.worker', wanted a reference"),
        (STRATEGY.replace('{"jax"}', '{"mxnet"}'), "wanted a frozenset of tensorflow, jax, torch, fake"),
        (STRATEGY.replace("    refuse=", "    refuses="), "got an unexpected keyword argument 'refuses'"),
        (STRATEGY.replace('"mine"', '"single"'), "the name 'single' is taken: choose another"),
        (STRATEGY.replace('"mine"', '"My own"'), "name is 'My own', wanted lower case, digits and underscores"),
        ("raise SystemExit(1)", "SystemExit: 1"),
    ],
)
def test_a_broken_strategy_is_one_line_and_the_built_in_ones_stay(install: Install, text: str, reason: str) -> None:
    install("parity_mine", text, group=discover.STRATEGY_GROUP, attribute="STRATEGY")
    found, broken = strategies()
    assert "single" in found and "mine" not in found
    assert broken[0].source == "parity_mine 1.2 (parity_mine:STRATEGY)" and reason in broken[0].reason


def test_an_entry_point_without_a_distribution_has_a_source() -> None:
    assert discover._entry_source(EntryPoint("a", "b:c", "group")).location == "b:c"
