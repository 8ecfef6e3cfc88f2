"""Makes environments ready: a virtual environment for each, reused as long as what it was made from stays the same."""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import importlib.metadata
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from suite.artifacts.store import digest_of, read_record, write_record, write_text
from suite.engine.installer import Failed, Installer, Listed, listing
from suite.records import DamagedArtifact, Environment, Provisioned

MARKER = "parity.json"
SHOWN = ("keras", "numpy", "tensorflow", "tensorflow-cpu", "jax", "jaxlib", "torch", "safetensors")
COORDINATOR = ("numpy", "msgspec", "safetensors", "jinja2")  # what the suite itself imports: a plugin may not change it
WORKER_NEEDS = ("safetensors", "msgspec")  # beyond keras and its backend
OLDEST = (3, 11)
NOT_SOURCE = ("build", "dist", "__pycache__")  # what installing a folder leaves in it


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """`wanted` is what pip is given; `identity` changes when what would be installed may have changed."""

    wanted: str
    identity: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Left in a finished virtual environment: the digest of what it was made from, the plugins that were added, and what
    it then held. `plugins` is None while they are being added."""

    made_from: str
    plugins: tuple[str, ...] | None
    listed: Listed


def provision(
    environments: Sequence[Environment],
    *,
    folder: Path,
    device: str,
    plugins: Sequence[str] = (),
    report: Callable[[str], None] = print,
) -> dict[str, Provisioned]:
    """Every environment by name, ready or with the reason why not. Never raises for one that cannot be made.

    `folder` keeps the virtual environments; `device` ("cpu" or "gpu") chooses between their two lists of requirements.
    `plugins` (requirements, or paths of packages) are added to each, and to the interpreter that runs this.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = tuple(plugin(text) for text in plugins)
    missing = _coordinator(wanted, folder, report)

    def one(environment: Environment) -> Provisioned:
        requirements = environment.gpu_requirements if device == "gpu" else environment.requirements
        try:
            if missing:
                raise Failed(missing)
            with _locked(folder / environment.name, report) as installer:
                if requirements:
                    return _own(environment, requirements, folder, wanted, installer, report)
                return _given(environment, folder, wanted, installer, report)
        except Failed as error:
            report(f"environment {environment.name} is unavailable: {error}")
            return Provisioned(environment=environment, reason=str(error))

    with ThreadPoolExecutor(max_workers=max(1, len(environments))) as pool:
        ready = pool.map(one, environments)
        return {environment.name: each for environment, each in zip(environments, ready, strict=True)}


@contextmanager
def _locked(place: Path, report: Callable[[str], None]) -> Iterator[Installer]:
    """Two commands at once make an environment once: the second waits, and finds it."""
    with place.with_name(f"{place.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"environment {place.name}: waiting for another command that is making it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield Installer(log=place.with_name(f"{place.name}.log"), lock=lock.fileno())


# ---------------------------------------------------------------- virtual environments of our own


def _own(
    environment: Environment,
    requirements: Sequence[str],
    folder: Path,
    plugins: Sequence[Plugin],
    installer: Installer,
    report: Callable[[str], None],
) -> Provisioned:
    home = folder / environment.name
    ready = replace(environment, python=str(home / "bin" / "python"))
    # The device is in there through its requirements: torch's are the same for both, and are not installed twice.
    made_from = digest_of(requirements, sys.version)
    mark = _mark(home)
    if mark is None or mark.made_from != made_from or not Path(ready.python).is_file():
        mark = _build(ready, requirements, made_from, installer, report)
    if mark.plugins != tuple(plugin.identity for plugin in plugins):
        mark = _add(ready, mark, plugins, installer, report)
    # What is beside the virtual environment can change at any time; what is in it only changes here.
    return _described(ready, _listed(ready) if environment.pythonpath else mark.listed)


def _mark(home: Path) -> Mark | None:
    """What an earlier command left there, if it finished."""
    try:
        return read_record(home / MARKER, Mark)
    except DamagedArtifact:
        return None


def _build(
    environment: Environment,
    requirements: Sequence[str],
    made_from: str,
    installer: Installer,
    report: Callable[[str], None],
) -> Mark:
    """The virtual environment from nothing; the mark is written last, so one that was interrupted is built again."""
    start = time.monotonic()
    report(f"environment {environment.name}: installing {', '.join(requirements)}")
    home = Path(environment.python).parent.parent
    shutil.rmtree(home, ignore_errors=True)
    installer.log.unlink(missing_ok=True)
    installer.venv(sys.executable, home)
    named = {_name(requirement) for requirement in requirements}
    more = [need for need in WORKER_NEEDS if need not in named]
    installer.pip(environment.python, ["install", *requirements, *more], f"installing {', '.join(requirements)}")
    listed = _listed(replace(environment, pythonpath=()))
    write_text(home / "constraints.txt", "".join(f"{name}=={version}\n" for name, version in listed.packages.items()))
    mark = Mark(made_from=made_from, plugins=(), listed=listed)
    write_record(home / MARKER, mark)
    report(f"environment {environment.name}: ready in {time.monotonic() - start:.0f} seconds")
    return mark


def _name(requirement: str) -> str:
    """The distribution that a requirement names, as pip compares names: jax of "JAX[cuda12]==0.10.2"."""
    return re.split(r"[\s\[<>=!~;@]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-")


def _add(
    environment: Environment, mark: Mark, plugins: Sequence[Plugin], installer: Installer, report: Callable[[str], None]
) -> Mark:
    """Adds plugins. They may not change anything that was there, Keras and the backend least of all."""
    home = Path(environment.python).parent.parent
    write_record(home / MARKER, replace(mark, plugins=None))
    for plugin in plugins:
        report(f"environment {environment.name}: adding {plugin.wanted}")
        _install(plugin, environment.python, ["--constraint", str(home / "constraints.txt")], installer)
    listed = _listed(replace(environment, pythonpath=()))
    mark = replace(mark, plugins=tuple(plugin.identity for plugin in plugins), listed=listed)
    write_record(home / MARKER, mark)
    return mark


# ---------------------------------------------------------------- interpreters that exist


def _given(
    environment: Environment,
    folder: Path,
    plugins: Sequence[Plugin],
    installer: Installer,
    report: Callable[[str], None],
) -> Provisioned:
    """The user's interpreter. It is not changed: what the worker needs, and plugins, go into a folder beside it."""
    ready = replace(environment, python=environment.python or sys.executable)
    if not Path(ready.python).is_file():
        raise Failed(f"its python is {ready.python}, which is no file: give an interpreter that exists")
    if absent := [entry for entry in environment.pythonpath if not Path(entry).exists()]:
        raise Failed(f"its pythonpath has {absent[0]}, which does not exist: correct or remove it")
    if ready.python == sys.executable:
        plugins = ()  # they are there: it is the interpreter that runs this
    listed = _listed(ready)
    needs = [need for need in WORKER_NEEDS if not listed.modules[need]]
    if not needs and not plugins:
        return _described(ready, listed)
    extra = folder / f"{environment.name}-worker"
    made_from = digest_of(ready.python, listed.python, needs, [plugin.identity for plugin in plugins])
    mark = _mark(extra)
    if mark is None or mark.made_from != made_from:
        names = ", ".join([*needs, *(plugin.wanted for plugin in plugins)])
        report(f"environment {environment.name}: adding {names} beside its interpreter")
        shutil.rmtree(extra, ignore_errors=True)
        packages = [*needs, *(plugin.wanted for plugin in plugins)]
        # Without dependencies: pip does not see what the interpreter has, and would put a second Keras here.
        beside = ["--python", ready.python, "install", "--no-deps", "--target", str(extra), *packages]
        installer.pip(sys.executable, beside, f"adding {names} beside {ready.python}")
        write_record(extra / MARKER, Mark(made_from=made_from, plugins=(), listed=listed))
    ready = replace(ready, pythonpath=(*ready.pythonpath, str(extra)))
    return _described(ready, _listed(ready))


# ---------------------------------------------------------------- what is there


def _listed(environment: Environment) -> Listed:
    modules = ("numpy", "keras", environment.backend, *WORKER_NEEDS)
    return listing(environment.python, environment.pythonpath, dict(environment.variables), modules)


def _described(environment: Environment, listed: Listed) -> Provisioned:
    if tuple(int(part) for part in listed.python.split(".")[:2]) < OLDEST:
        raise Failed(f"{environment.python} is Python {listed.python}, wanted at least {OLDEST[0]}.{OLDEST[1]}")
    needed = ("numpy", *WORKER_NEEDS) if environment.backend == "fake" else listed.modules
    if lacking := [name for name in needed if not listed.modules.get(name)]:
        raise Failed(f"{environment.python} has no {' and no '.join(lacking)}: add it to the environment {environment.name}")
    facts = {"python": listed.python, "packages": listed.packages}
    return Provisioned(
        environment=environment,
        python=environment.python,
        digest=digest_of(facts, environment.variables, environment.pythonpath, _sources(environment)),
        packages={"python": listed.python} | {name: listed.packages[name] for name in SHOWN if name in listed.packages},
    )


def _sources(environment: Environment) -> str:
    """Changes with the Python files of `pythonpath` (by size and time): code there has no version that would change."""
    digest = hashlib.sha256()
    for entry in environment.pythonpath:
        for path in sorted(Path(entry).rglob("*.py")):
            digest.update(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()


# ---------------------------------------------------------------- plugins


def plugin(text: str) -> Plugin:
    """A requirement is its text; a wheel, archive or folder of a package is known by what it holds."""
    path = Path(text).expanduser()
    if path.is_file():
        return Plugin(wanted=str(path.resolve()), identity=hashlib.sha256(path.read_bytes()).hexdigest())
    if not any((path / name).is_file() for name in ("pyproject.toml", "setup.py")):
        return Plugin(wanted=text, identity=text)
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        parts = file.relative_to(path).parts
        ours = not any(part.startswith(".") or part in NOT_SOURCE or part.endswith(".egg-info") for part in parts)
        if ours and file.is_file():
            digest.update(f"{Path(*parts)} ".encode() + file.read_bytes())
    return Plugin(wanted=str(path.resolve()), identity=digest.hexdigest())


def _install(plugin: Plugin, python: str, options: Sequence[str], installer: Installer) -> None:
    what = f"installing the plugin {plugin.wanted}"
    installer.pip(python, ["install", *options, plugin.wanted], what)
    if plugin.wanted.endswith(".whl"):  # pip leaves a wheel alone if its version is installed, other content or not
        installer.pip(python, ["install", "--force-reinstall", "--no-deps", plugin.wanted], what)


def _coordinator(plugins: Sequence[Plugin], folder: Path, report: Callable[[str], None]) -> str:
    """Adds plugins to the interpreter that runs this, which has to find their scenarios. Why it cannot; empty if it can."""
    mark, made_from = folder / "coordinator.txt", _coordinator_digest(plugins)
    if not plugins or (mark.is_file() and mark.read_text() == made_from):
        return ""
    try:
        with _locked(folder / "coordinator", report) as installer:
            pins = [f"{name}=={importlib.metadata.version(name)}\n" for name in COORDINATOR]
            write_text(folder / "coordinator-constraints.txt", "".join(pins))
            for plugin in plugins:
                _install(plugin, sys.executable, ["--constraint", str(folder / "coordinator-constraints.txt")], installer)
    except Failed as error:
        return str(error)
    importlib.invalidate_caches()
    write_text(mark, _coordinator_digest(plugins))
    return ""


def _coordinator_digest(plugins: Sequence[Plugin]) -> str:
    """Changes with the plugins and with what is installed here: an interpreter made anew has lost them."""
    there = sorted(f"{one.name} {one.version}" for one in importlib.metadata.distributions()) if plugins else []
    return digest_of(os.path.realpath(sys.executable), sys.prefix, there, [plugin.identity for plugin in plugins])
