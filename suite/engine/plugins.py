"""Packages of the user's that bring scenarios or strategies: what they are, and installing them without changing
anything else."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.artifacts.writing import digest_of, write_text
from suite.engine.installer import Installer, locked
from suite.records import showing

MARK = "coordinator.txt"
# What the suite itself imports: a plugin may not change it.
COORDINATOR = (
    "numpy", "msgspec", "safetensors", "jinja2", "pip", "psutil", "filelock", "packaging", "dependency-groups",
    "platformdirs", "rich", "argcomplete",
)  # fmt: skip
NOT_SOURCE = ("build", "dist", "__pycache__")  # what installing a folder leaves in it


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """`wanted` is what pip is given; `identity` changes when what would be installed may have changed."""

    wanted: str
    identity: str


def identified(text: str) -> Plugin:
    """A requirement is its text; a wheel, archive or folder of a package is known by what it holds."""
    path = Path(text).expanduser()
    if path.is_file():
        return Plugin(wanted=str(path.resolve()), identity=hashlib.sha256(path.read_bytes()).hexdigest())
    if not any((path / name).is_file() for name in ("pyproject.toml", "setup.py")):
        secret = showing.masked(text) != text
        return Plugin(wanted=text, identity=hashlib.sha256(text.encode()).hexdigest() if secret else text)
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        parts = file.relative_to(path).parts
        ours = not any(part.startswith(".") or part in NOT_SOURCE or part.endswith(".egg-info") for part in parts)
        if ours and file.is_file():
            digest.update(f"{Path(*parts)} ".encode() + file.read_bytes())
    return Plugin(wanted=str(path.resolve()), identity=digest.hexdigest())


def install(plugin: Plugin, python: str, options: Sequence[str], installer: Installer) -> None:
    what = f"installing the plugin {plugin.wanted}"
    installer.pip(python, ["install", *options, plugin.wanted], what)
    if plugin.wanted.endswith(".whl"):  # pip leaves a wheel alone if its version is installed, other content or not
        installer.pip(python, ["install", "--force-reinstall", "--no-deps", plugin.wanted], what)


def add(plugins: Sequence[str], folder: Path, report: Callable[[str], None]) -> None:
    """Adds plugins to the interpreter that runs this, which has to find their scenarios.

    Raises:
        ProvisionError: one cannot be installed.
    """
    wanted = tuple(identified(text) for text in plugins)
    if are_there(plugins, folder):
        return
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "coordinator", report) as installer:
        pins = [f"{name}=={importlib.metadata.version(name)}\n" for name in COORDINATOR]
        write_text(folder / "coordinator-constraints.txt", "".join(pins))
        for one in wanted:
            install(one, sys.executable, ["--constraint", str(folder / "coordinator-constraints.txt")], installer)
    importlib.invalidate_caches()
    write_text(folder / MARK, _coordinator_digest(wanted))


def are_there(plugins: Sequence[str], folder: Path) -> bool:
    """Whether the interpreter that runs this has them, as they are now."""
    mark = folder / MARK
    wanted = [identified(text) for text in plugins]
    return not wanted or (mark.is_file() and mark.read_text() == _coordinator_digest(wanted))


def _coordinator_digest(plugins: Sequence[Plugin]) -> str:
    """Changes with the plugins and with what is installed here: an interpreter made anew has lost them."""
    there = sorted(f"{one.name} {one.version}" for one in importlib.metadata.distributions()) if plugins else []
    return digest_of(os.path.realpath(sys.executable), sys.prefix, there, [plugin.identity for plugin in plugins])
