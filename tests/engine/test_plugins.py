"""Plugins, for real: added everywhere, known by what they hold, and not allowed to change anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.engine import plugins
from suite.engine.plugins import identified
from suite.records import Environment, ProvisionError
from tests.engine.machine import ONE, Machine, ask, package, wheel, without_processes

pytestmark = pytest.mark.usefixtures("only_this_index")


def given(python: Path) -> Environment:
    return Environment(name="mine", backend="torch", python=str(python))


def test_a_plugin_is_added_to_every_environment_and_to_the_coordinator(
    machine: Machine, interpreter: Path, coordinator: str, tmp_path: Path
) -> None:
    source = package(tmp_path / "added", "VALUE = 1\n")
    value = "import added; print(added.VALUE)"
    made = machine.all(ONE, given(interpreter), plugins=(str(source),))
    assert [one.reason for one in made.values()] == ["", ""]
    beside = made["mine"].environment.pythonpath
    assert [ask(made["one"].python, value), ask(str(interpreter), value, *beside), ask(coordinator, value)] == ["1"] * 3

    assert not (machine.folder / "mine-worker" / "keras").exists()  # the plugin wants Keras; the interpreter has one

    with without_processes():  # what the plugin holds, and what is installed here, is looked at again
        assert machine.one(ONE, str(source)) == made["one"] and machine.said == []

    package(source, "VALUE = 2\n")
    again = machine.all(ONE, given(interpreter), plugins=(str(source),))
    assert [ask(again["one"].python, value), ask(str(interpreter), value, *beside), ask(coordinator, value)] == ["2"] * 3
    assert again["mine"].digest != made["mine"].digest


def test_a_wheel_of_the_same_version_is_installed_again_when_it_holds_something_else(
    machine: Machine, coordinator: str, tmp_path: Path
) -> None:
    for value in ("1", "2"):
        path = wheel(tmp_path / "wheels", "added", "1.0", f"VALUE = {value}\n")
        made = machine.one(ONE, str(path))
        assert ask(made.python, "import added; print(added.VALUE)") == value


def test_a_plugin_may_not_change_what_was_there(machine: Machine, coordinator: str, tmp_path: Path) -> None:
    path = wheel(tmp_path / "wheels", "added", "1.0", requires=("keras==3.14.1",))
    before = machine.one(ONE)
    made = machine.all(ONE, Environment(name="pretend", backend="fake", python=before.python), plugins=(str(path),))
    assert (
        made["one"].reason.startswith(f"installing the plugin {path} failed: ") and "keras==3.14.1" in made["one"].reason
    ), made
    assert made["pretend"].reason == ""
    assert ask(before.python, "import keras; print(keras.__version__)") == "3.15.1"
    assert machine.one(ONE) == before


def test_a_plugin_that_is_not_there_is_a_sentence(machine: Machine, coordinator: str) -> None:
    with pytest.raises(ProvisionError, match=r"installing the plugin no-such-plugin failed: .*No matching distribution"):
        plugins.add(("no-such-plugin",), machine.folder, machine.said.append)
    assert not plugins.are_there(("no-such-plugin",), machine.folder)


def test_a_plugin_is_known_by_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert identified("name==1.0").wanted == identified("name==1.0").identity == "name==1.0"
    source = package(tmp_path / "added", "VALUE = 1\n")
    before = identified(str(source))
    for left in ("build/lib/x.py", "__pycache__/x.pyc", "added.egg-info/PKG-INFO", ".git/HEAD"):
        (source / left).parent.mkdir(parents=True)
        (source / left).touch()
    assert identified(str(source)) == before
    (source / "module.py").write_text("VALUE = 2\n")
    assert identified(str(source)) != before
    monkeypatch.chdir(tmp_path)
    assert identified("added").wanted == str(source)
    (tmp_path / "name").mkdir()
    assert identified("name").wanted == "name"
