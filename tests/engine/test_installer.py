"""The commands that installers get, and which of their output is shown."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from suite.engine import installer, uv
from suite.engine.installer import Installer, listing
from suite.records import ProvisionError
from tests.engine.machine import ONE, Machine


@pytest.fixture
def python(tmp_path: Path) -> str:
    """Of a virtual environment without pip."""
    Installer(log=tmp_path / "log").venv(sys.executable, tmp_path / "home")
    return str(tmp_path / "home" / "bin" / "python")


def ran(tmp_path: Path) -> list[str]:
    """The programs that the log says were run, after the virtual environment was made."""
    commands = [line.split() for line in (tmp_path / "log").read_text().splitlines() if line.startswith("$ ")]
    return ["uv" if Path(words[1]).name == "uv" else words[3] for words in commands[1:]]


@pytest.mark.usefixtures("only_this_index")
def test_uv_installs_where_it_is_there(python: str, tmp_path: Path) -> None:
    Installer(log=tmp_path / "log").install(python, ["keras==3.14.1", "numpy"], "installing")
    assert ran(tmp_path) == ["uv"]
    assert " --no-index " in (tmp_path / "log").read_text(), "the fixture forbids every index but its folder"
    assert installer.listing(python, (), {}, ("keras",)).packages == {"keras": "3.14.1", "numpy": "2.4.6"}


@pytest.mark.usefixtures("only_this_index")
def test_pip_installs_where_there_is_no_uv(python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv, "command", lambda: None)
    Installer(log=tmp_path / "log").install(python, ["keras==3.14.1", "numpy"], "installing")
    assert ran(tmp_path) == ["pip"]
    assert installer.listing(python, (), {}, ("keras",)).packages == {"keras": "3.14.1", "numpy": "2.4.6"}


@pytest.mark.usefixtures("only_this_index")
def test_pip_has_the_last_word(python: str, tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match=r"installing failed: .*No matching distribution found for no-such-package"):
        Installer(log=tmp_path / "log").install(python, ["no-such-package"], "installing")
    assert ran(tmp_path) == ["uv", "pip"]


@pytest.mark.usefixtures("only_this_index")
def test_pip_installs_where_uv_lacks_a_setting(python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_PREFER_BINARY", "1")
    Installer(log=tmp_path / "log").install(python, ["numpy"], "installing")
    assert ran(tmp_path) == ["pip"]


@pytest.mark.usefixtures("only_this_index")
def test_an_environment_has_no_pip_of_its_own(machine: Machine) -> None:
    made = machine.one(ONE)
    assert not (Path(made.python).parent / "pip").exists() and made.reason == ""


def test_addresses_are_not_shown() -> None:
    shown = installer._public("Looking in https://me:secret@index.example/simple, HTTPSConnectionPool(host='index.example')")
    assert "example" not in shown and "secret" not in shown and shown.startswith("Looking in <address>, HTTPS")


def test_pip_never_installs_for_the_user_nor_asks() -> None:
    """Where a site is not writable, pip would fall back to the user's."""
    shell = {
        "PIP_USER": "1",
        "PIP_TARGET": "/elsewhere",
        "PYTHONPATH": "/elsewhere",
        "PIP_INDEX_URL": "kept",
        "HOME": "/home/me",
    }
    variables = installer.variables_of_pip(shell)
    assert variables.items() >= {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_INDEX_URL": "kept", "HOME": "/home/me"}.items()
    assert not {"PIP_TARGET", "PYTHONPATH"} & variables.keys()


def test_a_nightly_build_of_keras_has_the_version_of_its_own_distribution(tmp_path: Path) -> None:
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text('__version__ = "3.16.0"\n')
    described = tmp_path / "keras_nightly-3.16.0.dev7.dist-info"
    described.mkdir()
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: keras-nightly\nVersion: 3.16.0.dev7\n")
    seen = listing(sys.executable, [str(tmp_path)], {}, ["keras"])
    assert seen.packages["keras"] == "3.16.0.dev7" and seen.modules == {"keras": True}
