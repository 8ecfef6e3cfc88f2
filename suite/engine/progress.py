"""Tells a person who waits: what runs now, how many are done, how long is left."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO, final

from suite.engine.local import Event
from suite.engine.schedule import NEEDS
from suite.records import Outcome, Status

PLAIN_SECONDS = 10.0  # between two plain lines: a CI log of a 15-minute run stays below a hundred of them
TERMINAL_SECONDS = 0.1  # between two rewritings of the status line: faster than that, nobody reads
KNOWN_JOBS = 3  # so many must have ended before a time is said: the first ones pay for imports and empty caches


@final
class Progress:
    """A listener for `Local`. On a terminal one status line that is rewritten; elsewhere, plain lines now and then.
    A job that did not complete, or is started once more, is a line at once. Use as a context manager, or call `close`, to
    leave a clean line.

    `clock` returns seconds.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._terminal = self._stream.isatty()
        self._began = self._said = clock()
        self._timed = 0
        self._status = ""
        self._needed: set[str] = set()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, event: Event) -> None:
        if event.done + len(event.running) <= 1 and event.kind == "started":
            self._began, self._timed = self._clock(), 0  # another `run` has begun, with its own total
        if event.kind == "started" and event.job is not None and event.job.died:
            self._line(f"started once more: {event.job.id}: {event.job.died}")
        if event.note:
            self._line(event.note)
        if event.outcome is not None:
            self._timed += event.outcome.seconds > 0
            if event.outcome.status is not Status.COMPLETE:
                self._fail(event.outcome)
        self._status = self._describe(event)
        last = event.done == event.total
        if last or self._clock() - self._said >= (TERMINAL_SECONDS if self._terminal else PLAIN_SECONDS):
            self._show()

    def close(self) -> None:
        """Ends the status line."""
        if self._terminal and self._status:
            self._show()
            self._stream.write("\n")
            self._stream.flush()
        self._status = ""

    def _fail(self, outcome: Outcome) -> None:
        """One line for a job that failed; of those that only need what failed, one line for all."""
        if outcome.reason.startswith(NEEDS):
            if outcome.reason in self._needed:
                return
            self._needed.add(outcome.reason)
            self._line(f"{_failure(outcome)} (and so for every job that needs it)")
            return
        self._line(_failure(outcome))

    def _describe(self, event: Event) -> str:
        parts = [f"{event.done} of {event.total} done"]
        if left := self._left(event):
            parts.append(left)
        if event.running:
            parts.append("now: " + "  ".join(event.running))
        elif event.kind == "waiting":
            parts.append("now: importing the backends")
        return ", ".join(parts)

    def _left(self, event: Event) -> str:
        """From the time that jobs took so far, as they overlapped; nothing while too little is known."""
        if self._timed < KNOWN_JOBS or event.done == event.total:
            return ""
        seconds = (self._clock() - self._began) / self._timed * (event.total - event.done)
        return f"about {rounded(seconds)} left"

    def _show(self) -> None:
        self._said = self._clock()
        if not self._terminal:
            self._line(self._status)
            return
        width = shutil.get_terminal_size().columns - 1
        self._stream.write("\r\x1b[K" + shortened(self._status, width))
        self._stream.flush()

    def _line(self, text: str) -> None:
        self._stream.write(("\r\x1b[K" if self._terminal else "") + text + "\n")
        self._stream.flush()


def _failure(outcome: Outcome) -> str:
    first = outcome.reason.splitlines()[0] if outcome.reason else "no reason given"
    return f"{outcome.status.value}: {outcome.job}: {first}"


def rounded(seconds: float) -> str:
    """No more digits than an estimate has: 10 s, 50 s, 2 min, 1 h 10 min."""
    if seconds < 55:
        return f"{max(10, round(seconds / 10) * 10)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{max(1, minutes)} min"
    hours, minutes = divmod(round(minutes / 10) * 10, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 3)] + "..."
