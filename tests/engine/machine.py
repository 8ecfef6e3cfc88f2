"""Provisioning for real, in a folder: packages of a few bytes that take the names of the large ones."""

from __future__ import annotations

import os
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from suite.engine import plugins as plugin_packages
from suite.engine.provision import provision
from suite.records import Environment, Provisioned

ROOT = Path(__file__).resolve().parents[2]
LARGE = {
    "keras": "3.15.1", "torch": "2.13.0", "numpy": "2.4.6", "safetensors": "0.8.0", "msgspec": "0.22.0", "psutil": "7.2.2",
}  # fmt: skip
ONE = Environment(name="one", backend="torch", requirements=("torch==2.13.0", "keras==3.15.1", "numpy"))


@contextmanager
def without_processes() -> Iterator[None]:
    """While this is entered, no process may be started: a call that finds everything ready starts none, and every command
    waits for it."""
    with mock.patch.object(subprocess, "Popen", side_effect=AssertionError("a process was started")):
        yield


def wheel(folder: Path, name: str, version: str, text: str = "", requires: tuple[str, ...] = ()) -> Path:
    """A package of one module, as pip wants it."""
    folder.mkdir(parents=True, exist_ok=True)
    path, metadata = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}/__init__.py", text or f'__version__ = "{version}"\n')
        file.writestr(f"{metadata}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
        file.writestr(f"{metadata}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        names = [f"{name}/__init__.py", f"{metadata}/METADATA", f"{metadata}/WHEEL", f"{metadata}/RECORD"]
        file.writestr(f"{metadata}/RECORD", "".join(f"{one},,\n" for one in names))
    return path


def package(folder: Path, text: str, *, before: str = "") -> Path:
    """A package as a folder with its own build backend (pip needs nothing else); `before` runs when it is built."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (folder / "module.py").write_text(text)
    (folder / "backend.py").write_text(
        f"""
import pathlib, sys
def build_wheel(directory, config_settings=None, metadata_directory=None):
    {before or "pass"}
    sys.path.insert(0, {str(ROOT)!r})
    from tests.engine.machine import wheel
    return wheel(pathlib.Path(directory), "added", "1.0", pathlib.Path("module.py").read_text(), requires=("keras",)).name
""".replace("from tests.engine.machine import wheel", f"{_source_of_wheel()}")
    )
    return folder


def _source_of_wheel() -> str:
    import inspect
    import textwrap

    return "import zipfile\n    from pathlib import Path\n" + textwrap.indent(inspect.getsource(wheel), "    ")


@dataclass(kw_only=True)
class Machine:
    """A folder of environments, and the lines that were reported while they were made."""

    folder: Path
    said: list[str] = field(default_factory=list)

    def all(
        self, *environments: Environment, plugins: tuple[str, ...] = (), device: str = "cpu"
    ) -> Mapping[str, Provisioned]:
        self.said.clear()
        plugin_packages.add(plugins, self.folder, self.said.append)
        return provision(environments, folder=self.folder, device=device, plugins=plugins, report=self.said.append)

    def one(self, environment: Environment, *plugins: str) -> Provisioned:
        return self.all(environment, plugins=plugins)[environment.name]


def ask(python: str, code: str, *path: str) -> str:
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(path)}
    done = subprocess.run([python, "-P", "-c", code], capture_output=True, text=True, check=True, env=variables)
    return done.stdout.strip()


def distributions(python: str) -> set[str]:
    code = "import importlib.metadata as m; print(*[d.name for d in m.distributions()])"
    return set(ask(python, code).split())
