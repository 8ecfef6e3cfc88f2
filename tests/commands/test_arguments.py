"""docs/command-line.md has every command and every option, and nothing that does not exist."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from suite.commands import COMMANDS, arguments

DOCUMENT = Path(__file__).parents[2] / "docs" / "command-line.md"


def commands() -> dict[str, argparse.ArgumentParser]:
    """Every command's parser, by its name."""
    (found,) = [one for one in arguments.parser()._actions if isinstance(one, argparse._SubParsersAction)]
    return dict(found.choices)


def options(parser: argparse.ArgumentParser) -> set[str]:
    """Options by their long name, and arguments by theirs."""
    actions = [one for one in parser._actions if not isinstance(one, argparse._HelpAction)]
    return {one.option_strings[-1] if one.option_strings else str(one.metavar or one.dest) for one in actions}


def documented() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    heading = ""
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("## "):
            command = re.fullmatch(r"## `parity ([\w-]+)`", line)
            heading = command[1] if command else ""
            if heading:
                found[heading] = set()
        elif heading and (option := re.match(r"\| `(--[\w-]+|\w+)", line)):
            found[heading].add(option[1])
    return found


def test_every_command_and_option_is_documented_and_nothing_else() -> None:
    assert documented() == {name: options(parser) for name, parser in commands().items()}


def test_every_command_does_something() -> None:
    assert commands().keys() == COMMANDS.keys()


def test_every_command_and_option_says_what_it_is_for() -> None:
    for name, parser in commands().items():
        silent = [one.dest for one in parser._actions if not one.help]
        assert silent == [], name


def shown() -> list[tuple[str, str]]:
    """Every command that README.md and docs/ show, without its comment: (file, command)."""
    root = DOCUMENT.parents[1]
    found = []
    for path in (root / "README.md", *sorted((root / "docs").glob("*.md"))):
        for line in path.read_text().splitlines():
            command = re.match(r"\s+(?:.* && )?(nox -s [\w-]+ -- .+|parity .+)", line)
            if command and not command[1].startswith("nox -s campaign"):  # which attacks the suite, and is no command of it
                found.append((path.name, command[1].partition("  #")[0].replace("$BASELINE", "")))
    return found


@pytest.mark.parametrize(("file", "command"), shown())
def test_every_command_that_a_document_shows_is_one(file: str, command: str) -> None:
    comparing = re.sub(r"nox -s (compare-all|versions)", "parity compare", command)
    words = comparing.replace(" -- ", " ").replace("nox -s", "parity").split()
    assert arguments.parser().parse_args(words[1:]).command in commands()


def test_documents_show_commands() -> None:
    assert {"README.md", "ci.md", "known-differences.md"} <= {file for file, _ in shown()}
