from __future__ import annotations

import io

import pytest

from suite.engine.local import Event
from suite.engine.progress import Progress, rounded
from suite.records import Environment, Job, Options, Outcome, Status


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Told:
    """A progress that was told of jobs, one after another, by a clock that stands still in between."""

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
        environment = Environment(name="fake", backend="fake")
        told = Job(kind="prepare", scenario=name, run_folder="", environment=environment, options=Options(), died=died)
        job = told if name else None
        running = tuple(self._running)
        self.progress(Event(kind=kind, job=job, outcome=outcome, running=running, done=self._done, total=self._total))


def one_each(told: Told, count: int, seconds: float) -> None:
    for number in range(count):
        told.start(f"j{number}")
        told.now += seconds
        told.end(f"j{number}")


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


def test_what_runs_is_named() -> None:
    told = Told(io.StringIO(), total=9)
    told.now = 11.0
    told.wait()
    told.start("a")
    told.now = 22.0
    told.start("b")
    assert told.lines() == ["0 of 9 done, now: importing the backends", "0 of 9 done, now: prepare/a  prepare/b"]


def test_no_time_is_said_before_enough_is_known() -> None:
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


def test_a_terminal_has_one_line_that_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    told = Told(Terminal(), total=2)
    told.now = 1.0
    told.start("a-rather-long-name-for-a-job-that-runs")
    told.end("a-rather-long-name-for-a-job-that-runs", Status.FAILED, "no")
    told.now = 2.0
    told.end("b")
    told.progress.close()
    assert told.stream.getvalue().split("\r\x1b[K")[1:] == [
        "0 of 2 done, now: prepare/a-rather-l...",
        "failed: prepare/a-rather-long-name-for-a-job-that-runs: no\n",
        "2 of 2 done",
        "2 of 2 done\n",
    ]


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
