"""How commands print more than one sentence: for a person at a terminal, or for a program that reads lines."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Sequence

from rich.table import Table

from suite.engine.terminal import console_of
from suite.records import showing

GAP = 2  # characters behind each column of a table
WHOLE = 24  # characters: words up to here, which are most names, are never broken in a table; paths may be


def show(headings: Sequence[str], rows: Sequence[Sequence[str]], lines: Iterable[str]) -> None:
    """A table on a terminal. The lines, which say the same, to a file or a program, and to a terminal that is too narrow for
    the table."""
    rows = [[showing.shown(cell) for cell in row] for row in rows]
    console = console_of(sys.stdout)
    columns = list(zip(headings, *rows, strict=True))
    room = 0 if console is None else console.width - GAP * len(columns)
    if rows and console is not None and (widths := _widths(columns, room)):
        table = Table(box=None, padding=(0, GAP, 0, 0), header_style="bold")
        for heading, width in zip(headings, widths, strict=True):
            table.add_column(heading, width=width, overflow="fold")
        for row in rows:
            table.add_row(*row)
        console.print(table)
        return
    for line in lines:
        print(showing.shown(line))


def _widths(columns: Sequence[Sequence[str]], room: int) -> list[int]:
    """How wide each column may be in this room, in characters: the widest gives way first, but none has to break a word.
    Empty if there is too little room for that."""
    words = [min(WHOLE, max(len(word) for cell in column for word in cell.split())) for column in columns]
    if sum(words) > room:
        return []
    widths = [max(len(cell) for cell in column) for column in columns]
    while sum(widths) > room:
        widest = max(range(len(widths)), key=lambda column: (widths[column] > words[column], widths[column]))
        widths[widest] -= 1
    return widths


def say_all(lines: Iterable[str]) -> None:
    """Sentences. A terminal gets them broken between words, and an indented one indented further where it goes on."""
    console = console_of(sys.stdout)
    for line in map(showing.shown, lines):
        print(line if console is None else _broken(line, console.width))


def _broken(line: str, width: int) -> str:
    """Names and paths stay whole, so that they can be copied."""
    further = "    " if line.startswith(" ") else ""
    return textwrap.fill(line, width, subsequent_indent=further, break_long_words=False, break_on_hyphens=False)
