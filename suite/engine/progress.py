"""Tells a person who waits: what runs now, how many are done, how long is left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO, final

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from suite.engine.estimate import Estimate
from suite.engine.events import Event
from suite.engine.schedule import NEEDS
from suite.engine.terminal import console_of
from suite.records import Outcome, Status, showing

PLAIN_SECONDS = 10.0  # between two plain lines: a CI log of a 15-minute run stays below a hundred of them
TERMINAL_SECONDS = 0.1  # between two drawings of the display: faster than that, nobody reads
KNOWN_JOBS = 3  # so many must have ended before a time is said: the first ones pay for imports and empty caches
SHOWN_JOBS = 8  # of those that run now: a display that is higher than the terminal cannot be drawn over
BAR_WIDTH = 24  # columns, on a terminal of 96 columns or more


@final
class Progress:
    """A listener for `Engine`. A terminal has a display below its last line, which is drawn again and removed when all jobs
    have ended; elsewhere there are plain lines now and then. A job that did not complete, or is started once more, is a
    line at once. Use as a context manager, or call `close`: an exception leaves the display behind.

    `stream`: by default, standard error. `clock` returns seconds.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._console = console_of(self._stream)
        self._live: Live | None = None
        self._began = self._said = clock()
        self._timed, self._worked, self._estimate = 0, 0.0, Estimate()
        self._needed: set[str] = set()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, event: Event) -> None:
        if event.done + len(event.running) <= 1 and event.kind == "started":
            self._began, self._timed, self._worked = self._clock(), 0, 0.0  # another `run` has begun, with its own total
        if event.kind == "started" and event.job is not None and event.job.died:
            self._line(f"started once more: {event.job.id}: {event.job.died}", "yellow")
        if event.note:
            self._line(event.note)
        if event.outcome is not None:
            if event.outcome.seconds > 0 and event.job is not None:
                self._timed, self._worked = self._timed + 1, self._worked + event.outcome.seconds
                self._estimate.learn(event.job, event.outcome.seconds)
            if event.outcome.status is not Status.COMPLETE:
                self._fail(event.outcome)
        seconds = TERMINAL_SECONDS if self._console else PLAIN_SECONDS
        if event.done == event.total or self._clock() - self._said >= seconds:
            self._show(event)

    def close(self) -> None:
        """Removes the display."""
        if self._live is not None:
            self._live.update("")  # it is drawn once more as it stops
            self._live.stop()
            self._live = None

    def _show(self, event: Event) -> None:
        self._said = self._clock()
        if event.done == event.total:
            self.close()
            self._line(self._counted(event))
        elif self._console is None:
            now = "  ".join(_now(event))
            self._line(f"{self._counted(event)}, now: {now}" if now else self._counted(event))
        else:
            self._live = self._live or _opened(self._console)
            self._live.update(self._drawn(event, self._console.width), refresh=True)

    def _drawn(self, event: Event, width: int) -> Group:
        first = Table.grid(padding=(0, 1))
        bar = ProgressBar(event.total, event.done, width=min(BAR_WIDTH, width // 4))
        first.add_row(bar, _cropped(self._counted(event)))
        now = _now(event)
        more = [f"and {len(now) - SHOWN_JOBS} more"] if len(now) > SHOWN_JOBS else []
        return Group(first, *(_cropped(f"  {job}", "dim") for job in [*now[:SHOWN_JOBS], *more]))

    def _counted(self, event: Event) -> str:
        left = self._left(event)
        return f"{event.done} of {event.total} done{f', {left}' if left else ''}"

    def _fail(self, outcome: Outcome) -> None:
        """One line for a job that failed; of those that only need what failed, one line for all."""
        more = ""
        if outcome.reason.startswith(NEEDS):
            if outcome.reason in self._needed:
                return
            self._needed.add(outcome.reason)
            more = " (and so for every job that needs it)"
        self._line(_failure(outcome) + more, "red")

    def _left(self, event: Event) -> str:
        """From what jobs took so far that are like those which are left, as they overlapped; nothing while too little is
        known."""
        if self._timed < KNOWN_JOBS or event.done == event.total:
            return ""
        overlapping = max(1.0, self._worked / max(self._clock() - self._began, 1e-9))
        return f"about {rounded(self._estimate.seconds(event.left) / overlapping)} left"

    def _line(self, text: str, style: str = "") -> None:
        """One line, above the display. A terminal gets it broken between words if it is too long."""
        text = showing.shown(text)
        if self._console is not None:
            self._console.print(Text(text, style))
            return
        self._stream.write(f"{text}\n")
        self._stream.flush()


def _opened(console: Console) -> Live:
    """A display without a thread that draws it: events come every second."""
    # What is printed to standard output appears above the display, if that is a terminal, too: a file must get it as it is.
    live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=sys.stdout.isatty())
    live.start()
    console.show_cursor()  # a command that is killed, or stopped with Ctrl-Z, leaves a usable terminal
    return live


def _now(event: Event) -> tuple[str, ...]:
    """What a person waits for."""
    return event.running or (("importing the backends",) if event.kind == "waiting" else ())


def _cropped(text: str, style: str = "") -> Text:
    return Text(text, style, no_wrap=True, overflow="ellipsis")


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
