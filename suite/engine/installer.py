"""Runs interpreters and installers: what they print goes to a log, what they fail with becomes a sentence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from suite.engine import uv
from suite.engine.variables import SIGNING_KEY
from suite.records import ProvisionError, showing

LAST_LINES = 10  # a conflict of two requirements takes pip so many to explain
ANSWER_SECONDS = 60  # an interpreter that only lists what is installed; the slowest measured was 1 s

# Set in a user's shell, these would put packages elsewhere, or make pip count packages as installed that workers never see.
FOREIGN = ("PIP_PREFIX", "PIP_PYTHON", "PIP_ROOT", "PIP_TARGET", "PIP_USER", "PYTHONHOME", "PYTHONPATH", SIGNING_KEY)

# Every distribution and its version (first found wins, as an import would), and whether modules are there. A checkout
# on the path is not what the distribution of that name says: its version is the one in its own files.
LIST = r"""
import sys
sys.path[:] = [entry for entry in sys.path if entry]
import importlib.metadata, importlib.util, json, pathlib, re
packages, folders = {}, {}
for one in importlib.metadata.distributions():
    name = (one.metadata["Name"] or "").lower().replace("_", "-")
    if name and name not in packages:
        packages[name] = one.version
        folders[name] = str(pathlib.Path(one.locate_file("")).resolve())
modules = {name: importlib.util.find_spec(name) is not None for name in sys.argv[1:]}
spec = importlib.util.find_spec("keras")
if spec is not None and spec.origin:
    home = pathlib.Path(spec.origin).resolve().parent
    owner = [name for name in ("keras", "keras-nightly") if folders.get(name) == str(home.parent)]
    if owner:
        packages["keras"] = packages[owner[0]]
    else:
        for file in ("src/version.py", "version.py", "__init__.py"):
            text = (home / file).read_text() if (home / file).is_file() else ""
            found = re.search(r'^__version__ = "(.+)"', text, re.M)
            if found:
                break
        packages["keras"] = (found.group(1) if found else "unknown version") + " of " + str(home.parent)
print(json.dumps({"python": sys.version.split()[0], "packages": packages, "modules": modules}))
"""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What an interpreter sees: its version, the version of every distribution, which modules there are."""

    python: str
    packages: dict[str, str]
    modules: dict[str, bool]


@dataclass(frozen=True, kw_only=True)
class Installer:
    """Commands of one environment. `lock` is a file descriptor that they inherit: when the coordinator is killed, the
    environment stays locked until the last of them has ended. -1: none."""

    log: Path
    lock: int = -1

    def venv(self, base: str, home: Path) -> None:
        """Without a pip of its own: that of this interpreter installs into it, or uv."""
        self._run([base, "-m", "venv", "--without-pip", str(home)], "making its virtual environment", variables_of_pip())

    def install(self, python: str, requirements: Sequence[str], what: str) -> None:
        """With uv where it is there and does what pip would, else with pip. Where uv fails pip tries, and has the last
        word."""
        program = uv.command()
        if program and uv.installs(requirements):
            configuration = _configuration()
            variables = uv.variables(configuration)
            if variables is not None:
                flags = ["--compile-bytecode", *uv.flags(configuration), "--python", python]
                try:
                    self._run([program, "pip", "install", *flags, *requirements], what, variables_of_pip() | variables)
                    return
                except ProvisionError:
                    pass
        self.pip(python, ["install", *requirements], what)

    def pip(self, python: str, arguments: Sequence[str], what: str) -> None:
        self._run([sys.executable, "-m", "pip", "--python", python, *arguments], what, variables_of_pip())

    def _run(self, command: Sequence[str], what: str, variables: Mapping[str, str]) -> None:
        kept = () if self.lock < 0 else (self.lock,)
        done = _finished(command, variables=variables, pass_fds=kept)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as stream:
            stream.write(showing.masked(f"$ {' '.join(command)}\n{done.stdout}"))
        if done.returncode:
            words = " / ".join(_last_lines(done.stdout)) or f"exit code {done.returncode}"
            raise ProvisionError(f"{showing.masked(what)} failed: {words}; all of it: {self.log}")


def _configuration() -> str:
    """How pip is configured here."""
    return _finished([sys.executable, "-m", "pip", "config", "list"], variables=variables_of_pip(), public=False).stdout


def _last_lines(text: str) -> list[str]:
    """The end of what was printed, from the first error on: what pip did well before is of no use in a sentence."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    error = next((number for number, line in enumerate(lines) if line.startswith("ERROR")), 0)
    return lines[error:][-LAST_LINES:]


def variables_of_pip(shell: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The user's, without what installs elsewhere. pip must not fall back to the user's site, nor ask anything."""
    kept = {name: value for name, value in shell.items() if name not in FOREIGN}
    return kept | {
        "PIP_USER": "0",
        "PIP_NO_INPUT": "1",
        "PIP_PROGRESS_BAR": "off",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONNOUSERSITE": "1",
    }


def listing(python: str, pythonpath: Sequence[str], variables: Mapping[str, str], modules: Sequence[str]) -> Listed:
    """What the interpreter sees with `pythonpath` first on its path.

    Raises:
        ProvisionError: it cannot be started, or does not answer like a Python.
    """
    shell = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    seen = {**shell, "PYTHONPATH": os.pathsep.join(pythonpath), **variables}
    done = _finished([python, "-c", LIST, *modules], variables=seen, timeout=ANSWER_SECONDS)
    try:
        return msgspec.json.decode(done.stdout.strip().splitlines()[-1], type=Listed)
    except (IndexError, msgspec.DecodeError):
        last = " / ".join(done.stdout.strip().splitlines()[-2:]) or f"exit code {done.returncode}"
        raise ProvisionError(f"{python} does not answer like a Python interpreter: {last}") from None


def _finished(
    command: Sequence[str],
    *,
    variables: Mapping[str, str],
    pass_fds: Sequence[int] = (),
    timeout: float | None = None,
    public: bool = True,
) -> subprocess.CompletedProcess[str]:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=dict(variables),
            pass_fds=pass_fds,
            timeout=timeout,
            check=False,
        )
    except OSError as error:
        raise ProvisionError(f"{command[0]} cannot be started: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise ProvisionError(f"{command[0]} gave no answer in {timeout:.0f} seconds") from None
    if public:
        done.stdout = _public(done.stdout)
    return done


def _public(text: str) -> str:
    """Without addresses: logs and reasons are shown to others, and an index's address may hold a password."""
    text = re.sub(r"\b(?:https?|file|ftp)://[^\s'\",)]+", "<address>", text)
    return re.sub(r"host='[^']*'", "host='<host>'", text)


@contextmanager
def locked(place: Path, report: Callable[[str], None]) -> Iterator[Installer]:
    """Two commands at once make an environment once: the second waits, and finds it."""
    descriptors: list[int] = []
    lock = FileLock(place.with_name(f"{place.name}.lock"), on_acquired=descriptors.append)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        report(f"environment {place.name}: waiting for another command that is making it")
        lock.acquire()
    try:
        yield Installer(log=place.with_name(f"{place.name}.log"), lock=descriptors[-1])
    finally:
        lock.release()
