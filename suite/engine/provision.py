"""Makes environments ready: a virtual environment for each, reused as long as what it was made from stays the same."""

from __future__ import annotations

import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from suite.artifacts.reading import record as read_record
from suite.artifacts.writing import digest_of, write_record, write_text
from suite.engine import uv
from suite.engine.installer import Installer, Listed, listing, locked
from suite.engine.plugins import Plugin, identified, install
from suite.plan.variants import SEPARATOR, base_name
from suite.records import DamagedArtifact, Environment, Provisioned, ProvisionError

MARKER = "parity.json"
SHOWN = ("keras", "numpy", "tensorflow", "tensorflow-cpu", "jax", "jaxlib", "torch", "safetensors")
WORKER_NEEDS = ("safetensors", "msgspec")  # beyond keras and its backend
MADE_WITH = (*WORKER_NEEDS, "numpy", "psutil")  # what every environment of our own gets, named or not
OLDEST = (3, 11)


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

    `folder` keeps the virtual environments; `device` ("cpu" or "gpu") chooses between their two lists of requirements where
    an environment does not say its own. Variants with the same requirements share one. `plugins` (requirements, or paths of
    packages) are added to each.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = tuple(identified(text) for text in plugins)

    def one(environment: Environment) -> Provisioned:
        requirements = requirements_of(environment)
        try:
            with locked(folder / environment.name, report) as installer:
                if requirements:
                    return _own(environment, requirements, folder, wanted, installer, report)
                return _given(environment, folder, wanted, installer, report)
        except ProvisionError as error:
            report(f"environment {environment.name} is unavailable: {error}")
            return Provisioned(environment=environment, reason=str(error))

    installations = {environment.name: installation_of(environment, device) for environment in environments}
    distinct = list(dict.fromkeys(installations.values()))
    with ThreadPoolExecutor(max_workers=max(1, len(distinct))) as pool:
        ready = dict(zip(distinct, pool.map(one, distinct), strict=True))
    return {
        environment.name: _for_variant(environment, ready[installations[environment.name]]) for environment in environments
    }


def look(
    environments: Sequence[Environment], *, folder: Path, device: str, plugins: Sequence[str] = ()
) -> tuple[dict[str, Provisioned], dict[str, str]]:
    """As `provision` would give them if it changed nothing: every environment by name, and what would have to be
    installed for those that are not ready, by name. Such an environment has neither interpreter nor digest, and no
    reason why it could not be used."""
    folder, wanted = folder.resolve(), tuple(identified(text) for text in plugins)
    found: dict[str, Provisioned] = {}
    missing: dict[str, str] = {}
    for environment in environments:
        installation = installation_of(environment, device)
        requirements = requirements_of(installation)
        try:
            if requirements:
                ready, more = _seen(installation, requirements, folder, wanted)
            else:
                here = _beside(installation, folder, wanted)
                more = [] if here.is_ready else here.names
                ready = _described(here.environment, here.listed) if here.is_ready else Provisioned(environment=environment)
            found[environment.name] = _for_variant(environment, ready)
            if more:
                missing[environment.name] = ", ".join(more)
        except ProvisionError as error:
            found[environment.name] = Provisioned(environment=environment, reason=str(error))
    return found, missing


def installation_of(environment: Environment, device: str) -> Environment:
    """What is installed for it, under the name of its folder. All variants of an environment have one installation, but
    that on GPUs has one of its own where it needs other packages."""
    name, gpu = base_name(environment.name), (environment.device or device) == "gpu"
    if gpu and environment.gpu_requirements != environment.requirements:
        name, environment = f"{name}{SEPARATOR}gpu", replace(environment, requirements=environment.gpu_requirements)
    return replace(environment, name=name, device="", precision="", deterministic=False)


def _for_variant(environment: Environment, installed: Provisioned) -> Provisioned:
    """What is installed, as one of the environments that share it."""
    python, pythonpath = installed.environment.python, installed.environment.pythonpath
    return replace(installed, environment=replace(environment, python=python, pythonpath=pythonpath))


def requirements_of(environment: Environment) -> tuple[str, ...]:
    """What its virtual environment is made from: what it names, and what the worker imports. Empty if it has its own
    interpreter."""
    requirements = environment.requirements
    named = {uv.name_of(requirement) for requirement in requirements}
    return (*requirements, *(need for need in MADE_WITH if need not in named)) if requirements else ()


# ---------------------------------------------------------------- virtual environments of our own


def _own(
    environment: Environment,
    requirements: Sequence[str],
    folder: Path,
    plugins: Sequence[Plugin],
    installer: Installer,
    report: Callable[[str], None],
) -> Provisioned:
    ready, mark = _made(environment, requirements, folder)
    if mark is None:
        mark = _build(ready, requirements, installer, report)
    if mark.plugins != tuple(plugin.identity for plugin in plugins):
        mark = _add(ready, mark, plugins, installer, report)
    # What is beside the virtual environment can change at any time; what is in it only changes here.
    return _described(ready, _listed(ready) if environment.pythonpath else mark.listed)


def _made(environment: Environment, requirements: Sequence[str], folder: Path) -> tuple[Environment, Mark | None]:
    """The environment with its interpreter, and its mark if that was made from these requirements."""
    ready = replace(environment, python=str(folder / environment.name / "bin" / "python"))
    mark = _mark(folder / environment.name)
    if mark is None or mark.made_from != _made_from(requirements) or not Path(ready.python).is_file():
        return ready, None
    return ready, mark


def _made_from(requirements: Sequence[str]) -> str:
    # The device is in there through its requirements: torch's are the same for both, and are not installed twice.
    return digest_of(requirements, sys.version)


def _seen(
    environment: Environment, requirements: Sequence[str], folder: Path, plugins: Sequence[Plugin]
) -> tuple[Provisioned, list[str]]:
    """As it is now, and what would have to be installed."""
    ready, mark = _made(environment, requirements, folder)
    if mark is None:
        return Provisioned(environment=environment), [*requirements, *(one.wanted for one in plugins)]
    if mark.plugins != tuple(one.identity for one in plugins):
        return Provisioned(environment=environment), [one.wanted for one in plugins] or ["no plugin any more"]
    return _described(ready, _listed(ready) if environment.pythonpath else mark.listed), []


def _mark(home: Path) -> Mark | None:
    """What an earlier command left there, if it finished."""
    try:
        return read_record(home / MARKER, Mark)
    except DamagedArtifact:
        return None


def _build(
    environment: Environment,
    requirements: Sequence[str],
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
    installer.install(environment.python, requirements, f"installing {', '.join(requirements)}")
    listed = _listed(replace(environment, pythonpath=()))
    write_text(home / "constraints.txt", "".join(f"{name}=={version}\n" for name, version in listed.packages.items()))
    mark = Mark(made_from=_made_from(requirements), plugins=(), listed=listed)
    write_record(home / MARKER, mark)
    report(f"environment {environment.name}: ready in {time.monotonic() - start:.0f} seconds")
    return mark


def _add(
    environment: Environment, mark: Mark, plugins: Sequence[Plugin], installer: Installer, report: Callable[[str], None]
) -> Mark:
    """Adds plugins. They may not change anything that was there, Keras and the backend least of all."""
    home = Path(environment.python).parent.parent
    write_record(home / MARKER, replace(mark, plugins=None))
    for plugin in plugins:
        report(f"environment {environment.name}: adding {plugin.wanted}")
        install(plugin, environment.python, ["--constraint", str(home / "constraints.txt")], installer)
    listed = _listed(replace(environment, pythonpath=()))
    mark = replace(mark, plugins=tuple(plugin.identity for plugin in plugins), listed=listed)
    write_record(home / MARKER, mark)
    return mark


# ---------------------------------------------------------------- interpreters that exist


@dataclass(frozen=True, kw_only=True)
class Beside:
    """An interpreter of the user's, and the folder beside it with what it lacks. `names`: what belongs there; empty if
    nothing is lacking. `is_ready`: it is there, and `listed` counts it."""

    environment: Environment
    listed: Listed
    extra: Path
    names: list[str]
    made_from: str
    is_ready: bool


def _beside(environment: Environment, folder: Path, plugins: Sequence[Plugin]) -> Beside:
    ready = replace(environment, python=environment.python or sys.executable)
    if not Path(ready.python).is_file():
        raise ProvisionError(f"its python is {ready.python}, which is not a file: give an interpreter that exists")
    if absent := [entry for entry in environment.pythonpath if not Path(entry).exists()]:
        raise ProvisionError(f"its pythonpath has {absent[0]}, which does not exist: correct or remove it")
    if ready.python == sys.executable:
        plugins = ()  # they are there: it is the interpreter that runs this
    listed = _listed(ready)
    needs = [need for need in WORKER_NEEDS if not listed.modules[need]]
    names = [*needs, *(plugin.wanted for plugin in plugins)]
    extra = folder / f"{environment.name}-worker"
    made_from = digest_of(ready.python, listed.python, needs, [plugin.identity for plugin in plugins])
    mark = _mark(extra)
    is_ready = not names or (mark is not None and mark.made_from == made_from)
    if names:
        ready = replace(ready, pythonpath=(*ready.pythonpath, str(extra)))
        listed = _listed(ready) if is_ready else listed
    return Beside(environment=ready, listed=listed, extra=extra, names=names, made_from=made_from, is_ready=is_ready)


def _given(
    environment: Environment,
    folder: Path,
    plugins: Sequence[Plugin],
    installer: Installer,
    report: Callable[[str], None],
) -> Provisioned:
    """The user's interpreter. It is not changed: what the worker needs, and plugins, go into a folder beside it."""
    here = _beside(environment, folder, plugins)
    if here.is_ready:
        return _described(here.environment, here.listed)
    names = ", ".join(here.names)
    report(f"environment {environment.name}: adding {names} beside its interpreter")
    shutil.rmtree(here.extra, ignore_errors=True)
    # Without dependencies: pip does not see what the interpreter has, and would put a second Keras here.
    beside = ["install", "--no-deps", "--target", str(here.extra), *here.names]
    installer.pip(here.environment.python, beside, f"adding {names} beside {here.environment.python}")
    write_record(here.extra / MARKER, Mark(made_from=here.made_from, plugins=(), listed=here.listed))
    return _described(here.environment, _listed(here.environment))


# ---------------------------------------------------------------- what is there


def _listed(environment: Environment) -> Listed:
    modules = ("numpy", "keras", environment.backend, *WORKER_NEEDS)
    return listing(environment.python, environment.pythonpath, dict(environment.variables), modules)


def _described(environment: Environment, listed: Listed) -> Provisioned:
    if tuple(int(part) for part in listed.python.split(".")[:2]) < OLDEST:
        raise ProvisionError(
            f"{environment.python} is Python {listed.python}, but the suite needs at least {OLDEST[0]}.{OLDEST[1]}"
        )
    needed = ("numpy", *WORKER_NEEDS) if environment.backend == "fake" else listed.modules
    if lacking := [name for name in needed if not listed.modules.get(name)]:
        raise ProvisionError(
            f"{environment.python} has no {' and no '.join(lacking)}: add it to the environment {environment.name}"
        )
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
