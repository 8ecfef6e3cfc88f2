"""Digests of what results depend on: the code of the suite, by what imports it, and the environment's numerics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from suite.artifacts.writing import digest_of, file_digest
from suite.plan.locations import SUITE
from suite.records import Environment

# What a worker imports of the suite, but for the faults that some runs ask for: a test holds this list against a real
# worker.
WORKER = (
    "__init__.py", "records", "artifacts", "runner", "plan/__init__.py", "plan/batches.py", "plan/discover.py",
    "plan/locations.py", "plan/strategies.py", "plan/trial.py", "plan/validation.py", "engine/__init__.py",
    "engine/processes.py",
)  # fmt: skip
INJECTION = ("selftest/__init__.py", "selftest/injection")


def suite_digest(suite: Path = SUITE) -> str:
    """The sha256 of what makes a result: all that a worker imports of the suite."""
    return _digest_of_files(suite, WORKER)


def injection_digest(suite: Path = SUITE) -> str:
    """The sha256 of the faults that can be injected."""
    return _digest_of_files(suite, INJECTION)


def digest_of_code(packages: Sequence[str], suite: Path = SUITE) -> str:
    """The sha256 of the Python files of these packages of the suite."""
    return _digest_of_files(suite, packages)


def source_files(suite: Path, places: Sequence[str]) -> list[Path]:
    """The Python files at these places of the suite: files, and packages with everything in them."""
    return sorted(
        file for place in places for file in ([suite / place] if place.endswith(".py") else (suite / place).rglob("*.py"))
    )


def _digest_of_files(suite: Path, places: Sequence[str]) -> str:
    return digest_of([(path.relative_to(suite).as_posix(), file_digest(path)) for path in source_files(suite, places)])


def numerics_of(environment: Environment) -> tuple[str, str, bool]:
    """What of an environment changes numbers, beside its packages and variables."""
    return environment.device, environment.precision, environment.deterministic
