"""What a command that runs jobs says while it runs: a display, a line for each job, or only what failed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from suite.commands import streams
from suite.commands.options import RunOptions
from suite.engine.events import Event
from suite.engine.progress import Progress
from suite.records import Outcome, Status, StoppedEarly, showing

Listener = Callable[[Event], None]


def teller(options: RunOptions) -> Callable[[str], None]:
    """What says how far a command is: nothing, where only the answer is wanted."""
    return (lambda _: None) if options.quiet else streams.say


def display(options: RunOptions) -> AbstractContextManager[Progress | None]:
    """The display of the jobs that run; none where every job is a line, or none is."""
    return nullcontext() if options.quiet or options.verbose else Progress()


def listener(options: RunOptions, progress: Progress | None) -> Listener:
    """What the engine tells of its jobs goes to the display or becomes lines. With `fail_fast`, the first job that fails
    ends the command.

    Raises (the listener):
        StoppedEarly: a job failed.
    """

    def listen(event: Event) -> None:
        if progress is not None:
            progress(event)
        elif event.outcome is not None and (options.verbose or event.outcome.status.broken):
            streams.say_to_person(showing.shown(_line(event.outcome)))
        if options.fail_fast and event.outcome is not None and event.outcome.status.broken:
            raise StoppedEarly(
                f"{_line(event.outcome)}; --fail-fast stops here: finished runs are kept, and the same command goes on"
            )

    return listen


def _line(outcome: Outcome) -> str:
    if outcome.status is Status.COMPLETE:
        return f"{outcome.status.value}: {outcome.job} ({outcome.seconds:.1f} s)"
    first = outcome.reason.splitlines()[0] if outcome.reason else "no reason given"
    return f"{outcome.status.value}: {outcome.job}: {first}"
