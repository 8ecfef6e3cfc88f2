"""The door: what is good comes in, what is broken is one line with its place, and nothing broken stops the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.plan import discover
from suite.plan.discover import load_scenario, scenarios, strategies
from suite.plan.locations import ROOT, SCENARIOS
from suite.plan.strategies import BUILT_IN
from suite.records import Broken, ConfigurationError, FoundScenario, Source

GOOD = """from suite.records import Data, Scenario


def model():
    raise AssertionError("not called here")


SCENARIO = Scenario(
    name="{name}", description="words", model=model, data=model, optimizer=model, loss="mean_squared_error"
)
"""
DISTRIBUTION = "{name}-{version}.dist-info"

Install = Callable[..., None]


def write(folder: Path, file: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file
    path.write_text(text)
    return path


def good(folder: Path, name: str) -> Path:
    return write(folder, f"{name.replace('-', '_')}.py", GOOD.replace("{name}", name))


def found_in(*folders: Path) -> tuple[list[str], tuple[Broken, ...]]:
    found, broken = scenarios(folders, plugins=False)
    return [one.scenario.name for one in found], broken


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


# ---------------------------------------------------------------- scenarios


def test_the_built_in_scenarios_are_good() -> None:
    names, broken = found_in(SCENARIOS)
    assert broken == () and "article-mlp" in names


def test_the_built_in_scenarios_are_good_where_only_the_suite_is_installed() -> None:
    """As an editable install has it: the project's folder is not on the path."""
    code = f"""
import sys
sys.path.append({str(ROOT)!r})
from suite.plan import discover
from suite.plan.locations import SCENARIOS
sys.path.remove({str(ROOT)!r})
found, broken = discover.scenarios([SCENARIOS], plugins=False)
assert len(found) >= 12 and not broken, broken
assert discover.load_scenario(found[0].source).name == found[0].scenario.name
assert found[0].scenario.data().x.size
"""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, cwd="/", env=variables)
    assert done.returncode == 0, done.stderr


def test_the_files_of_a_folder_are_found_and_those_with_an_underscore_are_not(tmp_path: Path) -> None:
    good(tmp_path, "one")
    good(tmp_path, "two-b")
    write(tmp_path, "_shared.py", "raise SystemExit")
    write(tmp_path, "notes.txt", "no Python")
    assert found_in(tmp_path) == (["one", "two-b"], ())


BROKEN = {
    "raises": ("\n\nraise RuntimeError('no such\\nthing')\n", 3, "RuntimeError: no such thing"),
    "import-error": ("import no_such_module_here\n", 1, "ModuleNotFoundError: No module named 'no_such_module_here'"),
    "syntax": ("x = 1\nif:\n", 2, "SyntaxError: invalid syntax"),
    "exits": ("import sys\n\nsys.exit(3)\n", 3, "SystemExit: 3"),
    "base": ("class Odd(BaseException): pass\nraise Odd\n", 2, "Odd: no message"),
    "unreadable": ("class Odd(Exception):\n    def __str__(self): raise ValueError\n\nraise Odd\n", 4, "Odd: a message"),
    "inside": ("def f():\n    return 1 / 0\n\nf()\n", 2, "ZeroDivisionError"),
    "deep": ("import json\n\njson.loads('{')\n", 3, "JSONDecodeError"),
    "missing": ("x = 1\n", 0, "it defines no SCENARIO"),
    "other-type": ("# one\nSCENARIO = 3\n", 2, "SCENARIO is a int, wanted a suite.records.Scenario"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_line_with_its_place_and_the_good_ones_go_on(tmp_path: Path, name: str) -> None:
    text, line, reason = BROKEN[name]
    path = write(tmp_path, f"{name.replace('-', '_')}.py", text)
    good(tmp_path, "a-good")
    good(tmp_path, "z-good")
    names, broken = found_in(tmp_path)
    assert names == ["a-good", "z-good"]
    assert [(one.name, one.source) for one in broken] == [(name, f"{path}:{line}" if line else str(path))]
    assert broken[0].reason.startswith(reason) and "\n" not in broken[0].reason


def test_an_error_in_a_module_beside_it_is_placed_at_the_import(tmp_path: Path) -> None:
    write(tmp_path, "_shared.py", "\n\n\nraise RuntimeError('there')\n")
    path = write(tmp_path, "one.py", "\nimport _shared\n")
    assert found_in(tmp_path)[1] == (Broken(name="one", source=f"{path}:2", reason="RuntimeError: there"),)


def test_only_an_interrupt_of_the_user_ends_the_search(tmp_path: Path) -> None:
    write(tmp_path, "one.py", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        found_in(tmp_path)


VALUES = {
    "api=2": "api is 2, this version reads 1",
    "name='Upper'": "name is 'Upper', wanted lower case, digits, dots and hyphens",
    "name='../up'": "name is '../up'",
    "name=''": "name is ''",
    "name=3": "name is 3",
    "description=''": "description is '', wanted one line of words",
    "description='a\\nb'": "description is 'a\\nb'",
    "batch=0": "batch is 0, wanted a whole number of at least 1",
    "batch=True": "batch is True",
    "batch='64'": "batch is '64'",
    "last_batch=-1": "last_batch is -1, wanted 0 or at most batch",
    "last_batch=True": "last_batch is True",
    "last_batch=65": "last_batch is 65",
    "steps=-1": "steps is -1, wanted a whole number of at least 1",
    "steps=2.5": "steps is 2.5",
    "outputs='labels'": "outputs is 'labels', wanted one of probabilities, logits, values",
    "loss=None": "loss is None, wanted a name or a function",
    "custom_objects={}": "custom_objects is {}, wanted a function",
    "model=3": "model is 3, wanted a function",
    "data=None": "data is None, wanted a function",
    "optimizer='adam'": "optimizer is 'adam', wanted a function",
    "batch=0, steps=0": "batch is 0, wanted a whole number of at least 1; steps is 0",
}


@pytest.mark.parametrize("change", VALUES)
def test_a_bad_value_is_a_sentence_at_the_scenario(tmp_path: Path, change: str) -> None:
    text = GOOD.replace("{name}", "one").replace("SCENARIO = Scenario(", "SCENARIO = replace(Scenario(")
    path = write(tmp_path, "one.py", "from dataclasses import replace\n" + text.rstrip() + f", {change})\n")
    names, broken = found_in(tmp_path)
    assert names == [] and broken[0].reason.startswith(VALUES[change])
    assert broken[0].source == f"{path}:9"


def test_of_two_with_one_name_the_first_stays_and_the_second_names_both(tmp_path: Path) -> None:
    first, second = good(tmp_path / "a", "one"), good(tmp_path / "b", "one")
    found, broken = scenarios([tmp_path / "a", tmp_path / "b"], plugins=False)
    assert [one.source.location for one in found] == [str(first)]
    assert broken[0].source == f"{second}:8" and str(first) in broken[0].reason


def test_a_folder_given_twice_is_one_folder(tmp_path: Path) -> None:
    good(tmp_path / "a", "one")
    assert found_in(tmp_path / "a", tmp_path / "a" / ".." / "a") == (["one"], ())


def test_a_folder_that_is_not_there_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="gone is not a folder: give --scenario-path a folder"):
        found_in(tmp_path / "gone")


def test_each_folder_has_its_own_modules_beside_it_and_leaves_nothing_behind(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        text = GOOD.replace("{name}", folder).replace('"words"', "_shared.WORDS")
        write(tmp_path / folder, f"{folder}.py", "import _shared\n" + text)
        write(tmp_path / folder, "_shared.py", f"WORDS = 'of {folder}'")
    path, modules = list(sys.path), set(sys.modules)
    found, broken = scenarios([tmp_path / "a", tmp_path / "b"], plugins=False)
    assert [one.scenario.description for one in found] == ["of a", "of b"] and broken == ()
    assert sys.path == path and sys.modules.keys() == modules


def test_a_scenario_file_named_like_a_package_does_not_become_it(tmp_path: Path) -> None:
    good(tmp_path, "jinja2")
    write(tmp_path, "later.py", "import jinja2\n\njinja2.Environment()\n" + GOOD.replace("{name}", "later"))
    modules = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "jinja2"}
    for name in modules:
        del sys.modules[name]
    try:
        assert found_in(tmp_path) == (["jinja2", "later"], ())
    finally:
        sys.modules.update(modules)


def digest(folder: Path) -> str:
    return scenarios([folder], plugins=False)[0][0].digest


@given(change=st.sampled_from(["one.py", "_shared.py"]), text=st.text("abc \n", min_size=1))
def test_the_digest_changes_with_the_file_and_with_the_modules_beside_it(change: str, text: str) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        good(folder, "one")
        write(folder, "_shared.py", "X = 1\n")
        write(folder, "notes.txt", "")
        before = digest(folder)
        (folder / "notes.txt").write_text("not code")
        assert digest(folder) == before
        path = folder / change
        path.write_text(path.read_text() + "\n# " + text.replace("\n", " "))
        assert digest(folder) != before


# ---------------------------------------------------------------- loading again


def test_a_worker_loads_the_same_scenario_again(tmp_path: Path) -> None:
    good(tmp_path, "one")
    found = scenarios([tmp_path], plugins=False)[0][0]
    again = load_scenario(found.source)
    assert (again.name, again.batch) == (found.scenario.name, found.scenario.batch)


def test_a_worker_finds_what_a_scenario_imports_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    body = '    from _rows_of_one import X\n\n    raise AssertionError(f"X is {X}")'
    write(tmp_path, "one.py", GOOD.replace("{name}", "one").replace('    raise AssertionError("not called here")', body))
    write(tmp_path, "_rows_of_one.py", "X = 7\n")
    with pytest.raises(AssertionError, match="X is 7"):
        load_scenario(Source(kind="file", location=str(tmp_path / "one.py"))).data()


def test_a_scenario_that_cannot_be_loaded_again_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is gone: it held a scenario"):
        load_scenario(Source(kind="file", location=str(tmp_path / "gone.py")))
    with pytest.raises(ConfigurationError, match=r"package 1.0 \(module:it\) is not installed here: give its package with"):
        load_scenario(Source(kind="entry point", location="module:it", distribution="package", version="1.0"))


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


def test_another_version_in_the_worker_is_not_the_same_scenario(install: Install) -> None:
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
