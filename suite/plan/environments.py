"""Environments: the built-in ones, whose pins are package data, and those of the user's TOML files."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dependency_groups

from suite.artifacts import reading
from suite.plan.locations import PINS
from suite.plan.validation import BACKENDS, NAME_LENGTH, is_name
from suite.records import DEFAULT, EXACT, ConfigurationError, Environment


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(entry) for entry in value)


def _is_strings(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, str) for entry in value.values())


DEVICES, PRECISIONS = ("cpu", "gpu"), (DEFAULT, EXACT)
KEYS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "backend": (_is_text, f"one of {', '.join(BACKENDS)}"),
    "requirements": (_is_list, 'a list of pip requirements, such as ["keras==3.15.1"]'),
    "python": (_is_text, "the path of an interpreter"),
    "pythonpath": (_is_list, "a list of folders"),
    "device": (lambda value: value in DEVICES, f"one of {', '.join(DEVICES)}"),
    "precision": (lambda value: value in PRECISIONS, f"one of {', '.join(PRECISIONS)}"),
    "deterministic": (lambda value: isinstance(value, bool), "true or false"),
    "variables": (_is_strings, 'a table of strings, such as { NAME = "value" }'),
}


def environments(files: Sequence[Path] = ()) -> tuple[Environment, ...]:
    """The built-in environments of environments.toml, then those of the user's TOML files.

    Raises:
        ConfigurationError: a file that cannot be read or used, in one sentence.
    """
    found = {one.name: one for one in _built_in()}
    for file in files:
        for name, table in _tables(file).items():
            if name in found:
                raise ConfigurationError(
                    f"{file}: environment {name!r} already exists ({found[name].source}): choose a different name"
                )
            found[name] = _environment(name, table, file)
    return tuple(found.values())


def _built_in() -> Iterator[Environment]:
    document = tomllib.loads(PINS.read_text(encoding="utf-8"))
    groups = document["dependency-groups"]
    for name, table in document["environments"].items():
        yield Environment(
            name=name,
            backend=table["backend"],
            requirements=dependency_groups.resolve(groups, table["requirements"]),
            gpu_requirements=dependency_groups.resolve(groups, table["gpu-requirements"]),
        )


def _tables(file: Path) -> dict[str, Any]:
    _, document = reading.toml(file, "--environments")
    if unknown := sorted(document.keys() - {"environments"}):
        raise ConfigurationError(f"{file} has the unknown key {unknown[0]!r}, wanted only [environments.NAME] tables")
    tables = document.get("environments")
    if not isinstance(tables, dict) or not tables:
        raise ConfigurationError(f"{file} has no [environments.NAME] table: see docs/environments.md")
    return tables


def _environment(name: str, table: Any, file: Path) -> Environment:
    where = f"{file}: environment {name!r}"
    if not isinstance(table, dict):
        raise ConfigurationError(f"{where} is {table!r}, wanted a table")
    if not is_name(name):
        raise ConfigurationError(f"{where}: a name has at most {NAME_LENGTH} of lower case, digits, dots and hyphens")
    if unknown := sorted(table.keys() - KEYS.keys()):
        if isinstance(table[unknown[0]], dict):
            full = f"{name}.{unknown[0]}"
            raise ConfigurationError(
                f'{where} holds the table {unknown[0]!r}: write a name with a dot as "{full}", in quotes'
            )
        raise ConfigurationError(f"{where} has the unknown key {unknown[0]!r}; it may have {', '.join(sorted(KEYS))}")
    for key, value in table.items():
        is_right, wanted = KEYS[key]
        if not is_right(value):
            raise ConfigurationError(f"{where} has {key} = {value!r}, wanted {wanted}")
    backend, requirements, python = table.get("backend"), tuple(table.get("requirements", ())), table.get("python", "")
    if backend not in BACKENDS:
        raise ConfigurationError(f"{where} has backend {backend!r}, wanted one of {', '.join(BACKENDS)}")
    if requirements and python:
        raise ConfigurationError(f"{where} has both requirements and python: keep one of them")
    if not requirements and not python and backend != "fake":
        raise ConfigurationError(f"{where} has neither requirements nor python: add one of them")
    base = file.resolve().parent
    return Environment(
        name=name,
        backend=backend,
        requirements=requirements,
        gpu_requirements=requirements,
        python=_absolute(base, python) if python else "",
        pythonpath=tuple(_absolute(base, entry) for entry in table.get("pythonpath", ())),
        variables=tuple(sorted(table.get("variables", {}).items())),
        source=str(file),
        device=table.get("device", ""),
        precision=table.get("precision", ""),
        deterministic=table.get("deterministic", False),
    )


def _absolute(base: Path, entry: str) -> str:
    # Not resolved: an interpreter of a virtual environment is a link, and what it links to is another environment.
    return str(base / Path(entry).expanduser())
