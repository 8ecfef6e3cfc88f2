"""Defaults of options from the current folder: parity.toml, or [tool.parity] in pyproject.toml."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from suite.artifacts import reading
from suite.records import ConfigurationError

OWN_FILE, PROJECT_FILE = Path("parity.toml"), Path("pyproject.toml")
Commands = Mapping[str, argparse.ArgumentParser]


def apply(commands: Commands, given: Sequence[str]) -> None:
    """Gives each command's options the defaults that the files have. An option of the command line takes the place of its
    default, also where it can be repeated.

    Raises:
        ConfigurationError: no command has the option, or its value cannot be one.
    """
    file, table = _table()
    known = {name: action for parser in commands.values() for action in parser._actions for name in _names(action)}
    for key, value in table.items():
        if key not in known:
            raise ConfigurationError(
                f"{file}: unknown option {key!r}; it takes the long options of the commands, without the hyphens in front"
            )
        _set(commands, key, value, given, f"{file}: {key}")


def _set(commands: Commands, key: str, value: Any, given: Sequence[str], where: str) -> None:
    """In every command that has the option and takes this value: `parity claims` has one number of devices, not several."""
    refused: list[ConfigurationError] = []
    having = [(parser, action) for parser in commands.values() for action in parser._actions if key in _names(action)]
    for parser, action in having:
        try:
            default = _value(action, value, where)
        except ConfigurationError as error:
            refused.append(error)
            continue
        if not _is_given(action, given):
            parser.set_defaults(**{action.dest: default})
    if len(refused) == len(having):
        raise refused[0]


def _table() -> tuple[Path, Mapping[str, Any]]:
    """The file, and what it says; parity.toml before pyproject.toml. Nothing where neither is there."""
    if OWN_FILE.is_file():
        return OWN_FILE, reading.toml(OWN_FILE, "the current folder")[1]
    if not PROJECT_FILE.is_file():
        return PROJECT_FILE, {}
    tool = reading.toml(PROJECT_FILE, "the current folder")[1].get("tool", {})
    table = tool.get("parity", {}) if isinstance(tool, Mapping) else {}
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{PROJECT_FILE}: tool.parity is {table!r}, wanted a table of options")
    return PROJECT_FILE, table


def _names(action: argparse.Action) -> list[str]:
    """The long names of an option as the file has them; none of an argument, of --help and of --version."""
    if isinstance(action, argparse._HelpAction | argparse._VersionAction):
        return []
    return [name.removeprefix("--") for name in action.option_strings if name.startswith("--")]


def _is_given(action: argparse.Action, given: Iterable[str]) -> bool:
    return any(word == name or word.startswith(f"{name}=") for word in given for name in action.option_strings)


def _value(action: argparse.Action, value: Any, where: str) -> Any:
    """The value as the command line would have made it."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise ConfigurationError(f"{where} is {value!r}, wanted true or false")
        return value
    if isinstance(action.default, list) or isinstance(action, argparse._AppendAction):
        if not isinstance(value, list):
            raise ConfigurationError(f"{where} is {value!r}, wanted a list")
        return [_converted(action, one, where) for one in value]
    joined = ",".join(map(str, value)) if isinstance(value, list) else value
    return _converted(action, joined, where)


def _converted(action: argparse.Action, value: Any, where: str) -> Any:
    if isinstance(value, bool | Mapping) or not isinstance(value, str | int | float):
        raise ConfigurationError(f"{where} is {value!r}, wanted text or a number")
    convert = action.type if callable(action.type) else str
    try:
        found = convert(str(value))
    except (argparse.ArgumentTypeError, ValueError) as error:
        raise ConfigurationError(f"{where} is {value!r}: {error}") from None
    if action.choices is not None and found not in action.choices:
        raise ConfigurationError(f"{where} is {value!r}, wanted one of {', '.join(map(str, action.choices))}")
    return found
