"""Makes environments ready: a virtual environment for each, reused as long as what it was made from stays the same."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from suite.records import Environment, Provisioned
from suite.store import Damaged, digest_of, read_record, write_record

MARKER = "parity.json"
SHOWN = ("keras", "numpy", "tensorflow", "tensorflow-cpu", "jax", "jaxlib", "torch", "safetensors")
WORKER_NEEDS = ("safetensors", "msgspec")  # beyond keras and its backend
LAST_LINES = 8

# Every installed distribution and its version, first found wins, as an import would.
LIST = """
import importlib.metadata, json, sys
found = {}
for one in importlib.metadata.distributions():
    found.setdefault(one.metadata["Name"].lower().replace("_", "-"), one.version)
print(json.dumps({"python": sys.version.split()[0], "packages": found}))
"""


@dataclass(frozen=True, kw_only=True)
class _Listed:
    """What an interpreter sees: its version, and the version of every distribution."""

    python: str
    packages: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class _Mark:
    """Left in a finished virtual environment: the digest of what it was made from, and what it became."""

    made_from: str
    ready: Provisioned


class _Failed(Exception):
    """An installer or interpreter failed; the message ends with its last lines."""


def provision(
    environments: Sequence[Environment],
    *,
    folder: Path,
    device: str,
    plugins: Sequence[str] = (),
    report: Callable[[str], None] = print,
) -> dict[str, Provisioned]:
    """Every environment by name, ready or with the reason why not. Never raises for an environment that cannot be made.

    `folder` keeps the virtual environments; `device` ("cpu" or "gpu") chooses between their two lists of requirements.
    """
    for plugin in plugins:
        _pip(sys.executable, ["install", "--quiet", plugin], folder / "coordinator.log", report)

    def one(environment: Environment) -> Provisioned:
        try:
            return _ready(environment, folder, device, plugins, report)
        except _Failed as error:
            report(f"environment {environment.name} is unavailable: {error}")
            return Provisioned(environment=environment, reason=str(error))

    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(max_workers=max(1, len(environments))) as pool:
        return {
            environment.name: ready for environment, ready in zip(environments, pool.map(one, environments), strict=True)
        }


def _ready(
    environment: Environment, folder: Path, device: str, plugins: Sequence[str], report: Callable[[str], None]
) -> Provisioned:
    requirements = environment.gpu_requirements if device == "gpu" else environment.requirements
    log = folder / f"{environment.name}.log"
    if requirements:
        home = folder / environment.name
        made_from = digest_of(requirements, sys.version, plugins)
        found = _marked(home, made_from) if not any(_local(plugin) for plugin in plugins) else None
        if found is not None:
            return replace(found, environment=replace(environment, python=found.python))
        python = _build(home, environment.name, requirements, plugins, log, report)
        ready = _described(replace(environment, python=python))
        write_record(home / MARKER, _Mark(made_from=made_from, ready=ready))
        return ready
    python = environment.python or sys.executable
    if not Path(python).is_file():
        raise _Failed(f"its python is {python}, which is no file: give an interpreter that exists")
    chosen = replace(environment, python=python)
    if environment.backend != "fake":
        chosen = _with_worker_needs(chosen, folder, log, report)
    for plugin in plugins:
        _pip(python, ["install", "--quiet", plugin], log, report)
    return _described(chosen)


def _marked(home: Path, made_from: str) -> Provisioned | None:
    """What an earlier command left there, if it finished and was made from the same."""
    try:
        mark = read_record(home / MARKER, _Mark)
    except Damaged:
        return None
    return mark.ready if mark.made_from == made_from and Path(mark.ready.python).is_file() else None


def _local(plugin: str) -> bool:
    return Path(plugin).exists()


def _build(
    home: Path, name: str, requirements: Sequence[str], plugins: Sequence[str], log: Path, report: Callable[[str], None]
) -> str:
    python = str(home / "bin" / "python")
    pins = home / "pins.txt"
    if not (home / "pins.txt").is_file() or pins.read_text().splitlines() != list(requirements):
        report(f"environment {name}: installing {', '.join(requirements)}")
        shutil.rmtree(home, ignore_errors=True)
        _command([sys.executable, "-m", "venv", str(home)], log)
        _pip(python, ["install", "--quiet", *requirements], log, report)
        pins.write_text("\n".join(requirements) + "\n")
    (home / MARKER).unlink(missing_ok=True)
    for plugin in plugins:
        # The pins keep a plugin from changing Keras or the backend.
        _pip(python, ["install", "--quiet", "--constraint", str(_constraints(home, requirements)), plugin], log, report)
    return python


def _constraints(home: Path, requirements: Sequence[str]) -> Path:
    path = home / "constraints.txt"
    path.write_text(
        "".join(f"{one.replace('[and-cuda]', '').replace('[cuda12]', '')}\n" for one in requirements if "==" in one)
    )
    return path


def _with_worker_needs(environment: Environment, folder: Path, log: Path, report: Callable[[str], None]) -> Environment:
    """An interpreter of the user's may lack what the worker reads and writes files with: it gets that beside itself."""
    extra = folder / f"{environment.name}-worker"
    chosen = replace(environment, pythonpath=(*environment.pythonpath, str(extra)))
    packages = _list(chosen).packages
    missing = [name for name in WORKER_NEEDS if name not in packages]
    if missing:
        report(f"environment {environment.name}: adding {', '.join(missing)} beside its interpreter")
        arguments = [
            "--python",
            environment.python,
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            str(extra),
            *missing,
        ]
        _pip(sys.executable, arguments, log, report)
    return chosen if missing or extra.is_dir() else environment


def _described(environment: Environment) -> Provisioned:
    listed = _list(environment)
    return Provisioned(
        environment=environment,
        python=environment.python,
        digest=digest_of(listed, environment.variables, environment.pythonpath, _sources(environment)),
        packages={"python": listed.python} | {name: listed.packages[name] for name in SHOWN if name in listed.packages},
    )


def _sources(environment: Environment) -> str:
    """Sha256 over the Python files of `pythonpath` folders: code there has no version that would change with it."""
    digest = hashlib.sha256()
    for entry in environment.pythonpath:
        for path in sorted(Path(entry).rglob("*.py")):
            digest.update(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()


def _list(environment: Environment) -> _Listed:
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(environment.pythonpath), **dict(environment.variables)}
    printed = _command([environment.python, "-c", LIST], None, variables)
    try:
        return msgspec.json.decode(printed.strip().splitlines()[-1], type=_Listed)
    except (IndexError, msgspec.DecodeError):
        raise _Failed(f"{environment.python} does not answer like a Python interpreter") from None


def _pip(python: str, arguments: Sequence[str], log: Path, report: Callable[[str], None]) -> None:
    _command([python, "-m", "pip", "--disable-pip-version-check", *arguments], log)


def _command(command: Sequence[str], log: Path | None, variables: Mapping[str, str] | None = None) -> str:
    """Runs it; returns what it printed.

    Raises:
        _Failed: it cannot be started or fails; with its last lines.
    """
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if log is None else subprocess.STDOUT,
            text=True,
            errors="replace",
            env=dict(variables) if variables is not None else None,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise _Failed(f"{command[0]} cannot be started: {error.strerror}") from None
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as stream:
            stream.write(f"$ {' '.join(command)}\n{done.stdout}")
    if done.returncode:
        lines = (done.stdout + (done.stderr or "")).strip().splitlines()[-LAST_LINES:]
        raise _Failed(f"`{' '.join(command[1:5])} ...` failed: {' / '.join(line.strip() for line in lines)}")
    return done.stdout
