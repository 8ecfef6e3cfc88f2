"""Whether a person looks at a stream, and through what."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console


def console_of(stream: TextIO) -> Console | None:
    """A console if the stream is a terminal that can move its cursor; None if it is a file, a pipe or a dumb terminal.
    Those get plain lines: a console would break long ones.

    FORCE_COLOR and the like, which many CI services set, make no terminal of a file: no control characters get into logs.
    """
    console = Console(file=stream, force_terminal=stream.isatty(), highlight=False, markup=False, emoji=False)
    moves = console.is_terminal and console.is_interactive and not console.is_dumb_terminal
    return console if moves else None
