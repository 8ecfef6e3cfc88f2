"""A line for each job, or only for those that fail; and the first failure may end the command."""

from __future__ import annotations

import dataclasses

import pytest

from suite.commands import arguments, listening, options
from suite.commands.options import RunOptions
from suite.engine.events import Event
from suite.engine.progress import Progress
from suite.records import Outcome, Status, StoppedEarly

FINE = Outcome(job="train/a", status=Status.COMPLETE, seconds=1.25)
FAILED = Outcome(job="train/b", status=Status.FAILED, reason="it died\nlong log")
REFUSED = Outcome(job="train/c", status=Status.UNSUPPORTED, reason="it cannot")


def running(*words: str) -> RunOptions:
    found: RunOptions = options.of(arguments.parser().parse_args(["compare", *words])).running
    return found


def ended(outcome: Outcome) -> Event:
    return Event(kind="ended", running=(), done=1, total=3, outcome=outcome)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    chosen = running(*words)
    with listening.display(chosen) as progress:
        listen = listening.listener(chosen, progress)
        for outcome in (FINE, FAILED, REFUSED):
            listen(ended(outcome))
    out, error = capsys.readouterr()
    assert out == ""
    return error.splitlines()


def test_quiet_says_what_failed_and_verbose_every_job(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--quiet") == ["failed: train/b: it died"]
    assert said(capsys, "-v") == ["complete: train/a (1.2 s)", "failed: train/b: it died", "unsupported: train/c: it cannot"]


def test_without_either_there_is_a_display(capsys: pytest.CaptureFixture[str]) -> None:
    with listening.display(running()) as progress:
        assert isinstance(progress, Progress)
    assert any("failed: train/b: it died" in line for line in said(capsys))


@pytest.mark.parametrize("words", [("--fail-fast",), ("--fail-fast", "--quiet")])
def test_the_first_failure_ends_the_command(words: tuple[str, ...]) -> None:
    chosen = running(*words)
    listen = listening.listener(chosen, None)
    listen(ended(FINE))
    listen(ended(REFUSED))
    with pytest.raises(StoppedEarly, match="failed: train/b: it died; --fail-fast stops here: finished runs are kept"):
        listen(ended(FAILED))
    listening.listener(dataclasses.replace(chosen, fail_fast=False), None)(ended(FAILED))
