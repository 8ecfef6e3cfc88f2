"""Completion of command lines by a shell that asks for it: `eval "$(register-python-argcomplete parity)"`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

from suite.plan import environments, locations

ASKED = "_ARGCOMPLETE"  # what the shell sets


def scenarios(**_: object) -> list[str]:
    """The built-in ones, by their files: nothing is imported."""
    return sorted(file.stem.replace("_", "-") for file in locations.SCENARIOS.glob("[!_]*.py"))


def built_in_environments(**_: object) -> list[str]:
    return [one.name for one in environments.environments()]


NAMES: Mapping[str, Callable[..., list[str]]] = {
    "scenario": scenarios,
    "environment": built_in_environments,
    "backend": built_in_environments,
    "reference": built_in_environments,
}


def complete(whole: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser]) -> None:
    """Answers the shell that asked, and ends the process."""
    import argcomplete

    for parser in commands.values():
        for action in parser._actions:
            if action.dest in NAMES and action.choices is None:
                action.completer = NAMES[action.dest]  # type: ignore[attr-defined]
    argcomplete.autocomplete(whole)
