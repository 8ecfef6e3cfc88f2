from __future__ import annotations

import io
import sys

import pytest

from suite.engine.events import Event
from suite.engine.progress import SHOWN_JOBS, Progress, rounded
from suite.records import Environment, Job, Options, Outcome, Status
from tests.engine.screen import Screen


def _job(name: str, died: str = "") -> Job:
    environment = Environment(name="fake", backend="fake")
    return Job(kind="prepare", scenario=name, run_folder="", environment=environment, options=Options(), died=died)


class Told:
    """A progress display that gets events. Its clock stands still in between."""

    def __init__(self, stream: io.StringIO, total: int) -> None:
        self.now = 0.0
        self.stream = stream
        self.progress = Progress(stream, clock=lambda: self.now)
        self._total, self._done = total, 0
        self._running: list[str] = []

    def start(self, name: str) -> None:
        self._running.append(f"prepare/{name}")
        self._tell("started", name, None)

    def start_again(self, name: str, died: str) -> None:
        self._tell("started", name, None, died)

    def end(self, name: str, status: Status = Status.COMPLETE, reason: str = "", seconds: float = 1.0) -> None:
        if f"prepare/{name}" in self._running:
            self._running.remove(f"prepare/{name}")
        self._done += 1
        self._tell("ended", name, Outcome(job=f"prepare/{name}", status=status, reason=reason, seconds=seconds))

    def wait(self) -> None:
        self._tell("waiting", "", None)

    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    def _tell(self, kind: str, name: str, outcome: Outcome | None, died: str = "") -> None:
        job = _job(name, died) if name else None
        left = tuple(_job("another") for _ in range(self._total - self._done))
        running, done, total = tuple(self._running), self._done, self._total
        self.progress(Event(kind=kind, job=job, outcome=outcome, running=running, done=done, total=total, left=left))


def one_each(told: Told, count: int, seconds: float) -> None:
    for number in range(count):
        told.start(f"j{number}")
        told.now += seconds
        told.end(f"j{number}", seconds=seconds)


def test_plain_output_is_a_line_now_and_then_and_one_at_the_end() -> None:
    told = Told(io.StringIO(), total=20)
    one_each(told, 20, seconds=2.0)
    assert told.lines() == [
        "5 of 20 done, about 30 s left",
        "10 of 20 done, about 20 s left",
        "15 of 20 done, about 10 s left",
        "20 of 20 done",
    ]


def test_a_failure_is_a_line_at_once() -> None:
    told = Told(io.StringIO(), total=3)
    told.start("a")
    told.end("a", Status.FAILED, "ValueError: no\nsecond line")
    told.end("b", Status.NO_ENVIRONMENT, "pip: no", seconds=0.0)
    told.end("c", Status.TIMED_OUT)
    assert told.lines() == [
        "failed: prepare/a: ValueError: no",
        "environment unavailable: prepare/b: pip: no",
        "timed out: prepare/c: no reason given",
        "3 of 3 done",
    ]


def test_what_only_needs_a_failure_is_one_line() -> None:
    told = Told(io.StringIO(), total=4)
    told.end("a", Status.FAILED, "ValueError: no")
    for name in ("b", "c"):
        told.end(name, Status.FAILED, "needs prepare/a, which failed: ValueError: no", seconds=0.0)
    told.end("d", Status.FAILED, "needs prepare/z, which failed: ValueError: no", seconds=0.0)
    assert told.lines() == [
        "failed: prepare/a: ValueError: no",
        "failed: prepare/b: needs prepare/a, which failed: ValueError: no (and so for every job that needs it)",
        "failed: prepare/d: needs prepare/z, which failed: ValueError: no (and so for every job that needs it)",
        "4 of 4 done",
    ]


def test_a_second_attempt_is_a_line_at_once() -> None:
    told = Told(io.StringIO(), total=2)
    told.start("a")
    told.start_again("a", "the worker was killed by signal 11 (SIGSEGV), see logs/prepare__a.log")
    assert told.lines() == [
        "started once more: prepare/a: the worker was killed by signal 11 (SIGSEGV), see logs/prepare__a.log"
    ]


def test_a_long_silence_is_broken() -> None:
    told = Told(io.StringIO(), total=2)
    told.start("a")
    for _ in range(25):
        told.now += 1.0
        told.wait()
    assert told.lines() == ["0 of 2 done, now: prepare/a"] * 2


def test_running_jobs_are_named() -> None:
    told = Told(io.StringIO(), total=9)
    told.now = 11.0
    told.wait()
    told.start("a")
    told.now = 22.0
    told.start("b")
    assert told.lines() == ["0 of 9 done, now: importing the backends", "0 of 9 done, now: prepare/a  prepare/b"]


def test_no_time_is_given_before_enough_is_known() -> None:
    told = Told(io.StringIO(), total=10)
    one_each(told, 2, seconds=20.0)
    assert not any("left" in line for line in told.lines())
    one_each(told, 1, seconds=20.0)
    assert told.lines()[-1] == "3 of 10 done, about 2 min left"


def test_jobs_that_never_ran_do_not_make_it_optimistic() -> None:
    told = Told(io.StringIO(), total=103)
    for number in range(90):
        told.end(f"none-{number}", Status.NO_ENVIRONMENT, "no", seconds=0.0)
    one_each(told, 3, seconds=60.0)
    assert told.lines()[-1] == "93 of 103 done, about 10 min left"


def test_overlapping_jobs_halve_the_time_left() -> None:
    told = Told(io.StringIO(), total=10)
    for pair in range(2):
        told.start(f"a{pair}")
        told.start(f"b{pair}")
        told.now += 60.0
        told.end(f"a{pair}", seconds=60.0)
        told.end(f"b{pair}", seconds=60.0)
    told.now += 10.0
    told.wait()
    assert "about 3 min left" in told.lines()[-1]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """60 columns wide, with colors."""
    for name, value in (("TERM", "xterm-256color"), ("COLUMNS", "60"), ("LINES", "24")):
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return Screen()


def test_a_terminal_has_a_display_that_is_drawn_again_and_removed(screen: Screen) -> None:
    told = Told(screen, total=3)
    told.now = 1.0
    told.start("a")
    bar = "━" * 15
    assert screen.lines() == [f"{bar} 0 of 3 done", "  prepare/a"]
    told.start("b")
    assert screen.lines() == [f"{bar} 0 of 3 done", "  prepare/a"], "nobody reads faster than that"
    told.now = 2.0
    told.end("a")
    assert screen.lines()[0].endswith(" 1 of 3 done") and screen.lines()[1:] == ["  prepare/b"]
    told.end("b")
    told.end("c")
    assert screen.lines() == ["3 of 3 done"] and screen.shows_cursor


def test_a_failure_stays_above_the_display(screen: Screen) -> None:
    told = Told(screen, total=3)
    told.now = 1.0
    told.start("a")
    told.end("a", Status.FAILED, "ValueError: no")
    told.now = 2.0
    told.start("b")
    assert screen.lines()[0] == "failed: prepare/a: ValueError: no"
    assert screen.lines()[1].endswith(" 1 of 3 done") and screen.lines()[2:] == ["  prepare/b"]
    assert "\x1b[31mfailed" in screen.getvalue()


def test_a_long_failure_is_broken_between_words_and_a_long_name_is_cut(screen: Screen) -> None:
    told = Told(screen, total=2)
    name = "a-rather-long-name-for-a-job-that-runs-in-a-narrow-terminal"
    told.now = 1.0
    told.start(name)
    assert screen.lines()[1] == f"  prepare/{name}"[:59] + "…"
    told.end(name, Status.FAILED, "no reason")
    assert screen.lines()[:2] == ["failed:", f"prepare/{name}"[:60]]


def test_a_display_is_not_higher_than_it_must_be(screen: Screen) -> None:
    told = Told(screen, total=99)
    for number in range(SHOWN_JOBS + 3):
        told.now += 1.0
        told.start(f"j{number}")
    assert len(screen.lines()) == 1 + SHOWN_JOBS + 1
    assert screen.lines()[-2:] == [f"  prepare/j{SHOWN_JOBS - 1}", "  and 3 more"]


def test_a_display_that_is_higher_than_its_terminal_is_removed_whole(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINES", "4")
    told = Told(screen, total=9)
    for number in range(5):
        told.now += 1.0
        told.start(f"j{number}")
    assert [line.strip() for line in screen.lines(height=4)[1:]] == ["prepare/j0", "prepare/j1", "..."]
    told.progress.close()
    assert screen.lines(height=4) == []


def test_a_terminal_that_wants_no_color_gets_none(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    told = Told(screen, total=2)
    told.now = 1.0
    told.start("a")
    told.end("a", Status.FAILED, "no")
    assert screen.lines()[0] == "failed: prepare/a: no" and "\x1b[3" not in screen.getvalue()


def test_a_dumb_terminal_gets_plain_lines(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    told = Told(screen, total=2)
    told.now = 11.0
    told.start("a")
    told.end("a", Status.FAILED, "no")
    assert screen.getvalue() == "0 of 2 done, now: prepare/a\nfailed: prepare/a: no\n"


def test_an_exception_leaves_the_terminal_as_it_was(screen: Screen) -> None:
    told = Told(screen, total=2)
    streams = sys.stdout, sys.stderr
    with pytest.raises(KeyboardInterrupt), told.progress:
        told.now = 1.0
        told.start("a")
        assert len(screen.lines()) == 2 and screen.shows_cursor
        raise KeyboardInterrupt
    assert screen.lines() == [] and screen.shows_cursor
    assert (sys.stdout, sys.stderr) == streams


def test_output_printed_meanwhile_appears_above(
    screen: Screen, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(screen, total=2)
    with told.progress:
        told.now = 1.0
        told.start("a")
        print("a warning", file=sys.stderr)
        print("an answer")
        assert screen.lines()[0] == "a warning" and screen.lines()[2:] == ["  prepare/a"]
    assert capsys.readouterr() == ("an answer\n", ""), "a program may read standard output"
    monkeypatch.setattr(sys, "stdout", screen)
    with told.progress:
        told.now = 2.0
        told.start("b")
        print("an answer")
        assert screen.lines()[:2] == ["a warning", "an answer"]


def test_a_second_run_draws_over_nothing_of_the_first(screen: Screen) -> None:
    told = Told(screen, total=1)
    told.now = 1.0
    told.start("a")
    told.end("a")
    screen.write("1 further run\n")
    again = Told(screen, total=1)
    again.progress = told.progress
    told.now = 2.0
    again.start("b")
    assert screen.lines()[:2] == ["1 of 1 done", "1 further run"] and len(screen.lines()) == 4
    again.end("b")
    assert screen.lines() == ["1 of 1 done", "1 further run", "1 of 1 done"]


def test_closing_leaves_plain_output_alone() -> None:
    stream = io.StringIO()
    with Progress(stream):
        pass
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "10 s"), (14, "10 s"), (54, "50 s"), (56, "1 min"), (150, "2 min"), (3500, "58 min"), (3590, "1 h"),
     (4300, "1 h 10 min"), (7200, "2 h")],
)  # fmt: skip
def test_a_time_has_no_more_digits_than_it_deserves(seconds: float, words: str) -> None:
    assert rounded(seconds) == words
