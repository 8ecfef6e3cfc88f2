"""Standard output and standard error: closed, full, broken, or of an encoding that lacks some characters.

None of that may cost a finished run, look like a bug, or change what an exit code means.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TextIO

from suite.records import showing

STANDARD = (0, 1, 2)


def prepare() -> None:
    """Opens what is closed: else the next file that is opened would become the standard output of every child process.
    Characters that a stream cannot hold become their escapes."""
    for descriptor in STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def flush() -> None:
    """Writes what is left. Python would do so when it ends, and change the exit code if it cannot.

    Raises:
        OSError: it cannot be written. The stream is silent from now on.
    """
    try:
        sys.stdout.flush()
    except OSError:
        silence()
        raise


def silence() -> None:
    """From now on nothing is printed, and nothing that is left unprinted fails when Python ends."""
    for stream in (sys.stdout, sys.stderr):
        if not _works(stream):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _works(stream: TextIO) -> bool:
    try:
        stream.flush()
    except (OSError, ValueError):
        return False
    return True


def say_to_person(text: str) -> None:
    """A line on standard error, if anybody reads it."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        silence()


def say(line: str) -> None:
    print(showing.shown(line), flush=True)
