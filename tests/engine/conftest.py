"""What tests of provisioning share: an index of tiny packages, and interpreters that may be changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from suite.engine import installer
from tests.engine.machine import LARGE, ROOT, Machine, wheel


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    for name, version in LARGE.items():
        wheel(folder, name, version)
    wheel(folder, "keras", "3.14.1")
    return folder


@pytest.fixture
def only_this_index(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network; and a shell that would lead an installer astray."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_TARGET", str(index / "elsewhere"))
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(folder=tmp_path / "environments")


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory, index: Path) -> Path:
    """One of the user's: Keras and a backend, and nothing that only the suite needs."""
    home = tmp_path_factory.mktemp("interpreter")
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    python = home / "bin" / "python"
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "--find-links",
        str(index),
        "keras",
        "torch",
        "numpy",
    ]
    subprocess.run(command, check=True, env=installer.variables_of_pip())
    return python


@pytest.fixture
def coordinator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Plugins are installed into the interpreter that runs the suite: here one that may be changed."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "coordinator")], check=True)
    python = str(tmp_path / "coordinator" / "bin" / "python")
    monkeypatch.setattr(sys, "executable", python)
    return python
