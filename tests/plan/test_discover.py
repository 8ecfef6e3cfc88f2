"""The door for files: good scenarios come in, a broken one is one line with its place, and it stops no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.plan import trial
from suite.plan.discover import load_scenario, scenarios
from suite.plan.locations import ROOT, SCENARIOS
from suite.records import Broken, ConfigurationError, Source
from tests.plan.scenario_files import GOOD, good, write


def found_in(*folders: Path) -> tuple[list[str], tuple[Broken, ...]]:
    found, broken = scenarios(folders, plugins=False)
    return [one.scenario.name for one in found], broken


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
    "import-error": (
        "import no_such_module_here\n",
        1,
        "ModuleNotFoundError: No module named 'no_such_module_here'. The command reads this file where no backend is",
    ),
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


ENDING = {
    "exits at once": ("import os\nos._exit(0)\n", "its import ended the process with exit code 0: move what does so"),
    "exits with a code": ("import os\nos._exit(7)\n", "its import ended the process with exit code 7"),
    "is killed": ("import os\nos.kill(os.getpid(), 9)\n", "its import ended the process by signal 9 (SIGKILL)"),
    "crashes": ("import ctypes\nctypes.string_at(0)\n", "its import ended the process by signal 11 (SIGSEGV)"),
    "loops": ("while True: pass\n", "its import did not end within 1 s: move what takes long into its functions"),
    "sleeps in a session": ("import os, time\ntime.sleep(600)\n", "its import did not end within 1 s"),
    "asks": ("import os\nraise ValueError(os.read(0, 1))\n", "ValueError: b''"),
    "interrupts": ("raise KeyboardInterrupt\n", "KeyboardInterrupt: no message"),
    "obeyed": ("raise ValueError('\\x1b[31m \\ud800 text')\n", "ValueError: text"),
    "forks": ("import os\nif os.fork(): os._exit(0)\nimport time\ntime.sleep(600)\n", "its import ended the process with"),
}


@pytest.fixture
def no_process_is_left() -> Iterator[None]:
    """Children that this process had before are not meant: other tests may have started a fork server."""
    before = set(psutil.Process().children())
    yield
    assert not set(psutil.Process().children()) - before


@pytest.mark.usefixtures("no_process_is_left")
@pytest.mark.parametrize("name", ENDING)
def test_an_import_that_ends_or_hangs_costs_its_file_and_nothing_else(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "SECONDS", 1)
    text, reason = ENDING[name]
    good(tmp_path, "a-good")
    path = write(tmp_path, "bad.py", text)
    good(tmp_path, "z-good")
    names, broken = found_in(tmp_path)
    assert names == ["a-good", "z-good"]
    assert [one.source.partition(":")[0] for one in broken] == [str(path)] and broken[0].reason.startswith(reason)


@pytest.mark.usefixtures("no_process_is_left")
def test_an_interrupt_of_the_user_ends_the_search_and_what_it_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "one.py", "while True: pass")
    main = os.getpid()
    threading.Timer(0.5, lambda: os.kill(main, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        found_in(tmp_path)


def test_what_a_file_changes_at_import_is_changed_once(tmp_path: Path) -> None:
    """The first import happens elsewhere: nothing of it is left here but its verdict."""
    write(tmp_path, "one.py", f"open({str(tmp_path / 'log')!r}, 'a').write('x')\nraise ValueError('no')")
    assert found_in(tmp_path)[1][0].reason == "ValueError: no"
    assert (tmp_path / "log").read_text() == "x"


VALUES = {
    "api=3": "api is 3, this version reads 1 and 2",
    "name='Upper'": "name is 'Upper', wanted at most 80 of lower case, digits, dots and hyphens",
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
    "loss=3": "loss is 3, wanted a name, a dict or list of names by output, a function, or None",
    "loss={'a': 3}": "loss is {'a': 3}, wanted a name, a dict or list of names by output, a function, or None",
    "loss=['mse', 3]": "loss is ['mse', 3]",
    "loss=[]": "loss is []",
    "custom_objects={}": "custom_objects is {}, wanted a function",
    "metrics=[3]": "metrics is [3], wanted names, in a list or a dict by output, or a function that returns metrics",
    "loss_weights={}": "loss_weights is {}, wanted a list or a dict of numbers by output",
    "files='rows.csv'": "files is 'rows.csv', wanted a tuple of texts",
    "requirements=(3,)": "requirements is (3,), wanted a tuple of texts",
    "files=('rows.csv',)": "files names rows.csv, which is no file in ",
    "epochs=-1": "epochs is -1, wanted a whole number, or 0 to count steps",
    "shuffle=True": "shuffle needs epochs, and the scenario counts steps: give it epochs",
    "callbacks=3": "callbacks is 3, wanted a function",
    "class_weight={'a': 1.0}": "class_weight is {'a': 1.0}, wanted a dict of numbers by class",
    "validation_split=1.0": "validation_split is 1.0, wanted a share of at least 0 and below 1",
    "epochs=2, last_batch=3": "last_batch goes with steps, and the scenario has epochs: leave it out",
    "epochs=2, steps_per_execution=2": "steps_per_execution goes with steps",
    "auto_scale_loss=1": "auto_scale_loss is 1, wanted True or False",
    "run_eagerly=None": "run_eagerly is None, wanted True or False",
    "jit_compile='auto'": "jit_compile is 'auto', wanted True, False, or None for the default",
    "steps_per_execution=0": "steps_per_execution is 0, wanted a whole number of at least 1",
    "steps_per_execution=3": "steps_per_execution is 3, wanted one that divides steps and 20, the step that is judged",
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


@pytest.mark.parametrize("loss", ["{'a': 'mse', 'b': 'mae'}", "['mse', 'mae']", "('mse',)", "lambda: None"])
def test_losses_may_be_given_by_output(tmp_path: Path, loss: str) -> None:
    text = GOOD.replace("{name}", "one").replace("SCENARIO = Scenario(", "SCENARIO = replace(Scenario(")
    write(tmp_path, "one.py", "from dataclasses import replace\n" + text.rstrip() + f", loss={loss})\n")
    assert found_in(tmp_path) == (["one"], ())


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


@settings(deadline=None)
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
