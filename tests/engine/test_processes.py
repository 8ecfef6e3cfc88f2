"""No process that a job started survives it. Without psutil, none of its process group does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.engine import processes
from tests.processes import alive, until

# A leader with a child in its group, one in a group of its own, and one in a session of its own.
LEADER = """
import os, pathlib, subprocess, sys, time
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
ways = [{}, {"process_group": 0}, {"start_new_session": True}]
children = [subprocess.Popen(sleep, **way) for way in ways]
pathlib.Path(sys.argv[1]).write_text(" ".join(str(child.pid) for child in children))
time.sleep(600)
"""


@pytest.fixture
def family(tmp_path: Path) -> Iterator[tuple[int, list[int]]]:
    """The leader and its three children."""
    leader = subprocess.Popen([sys.executable, "-c", LEADER, str(tmp_path / "pids")], start_new_session=True)
    until(lambda: (tmp_path / "pids").is_file() and (tmp_path / "pids").read_text().count(" ") == 2)
    children = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    yield leader.pid, children
    for pid in (leader.pid, *children):
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
    leader.wait()


def test_followers_are_of_its_session_or_its_descendants(family: tuple[int, list[int]]) -> None:
    leader, children = family
    assert sorted(processes.followers(leader)) == sorted(children)
    assert leader not in processes.followers(leader)


def test_killing_leaves_nobody(family: tuple[int, list[int]]) -> None:
    leader, children = family
    processes.kill(leader)
    assert not any(map(alive, (leader, *children)))


def test_killing_waits_for_the_leader_too(family: tuple[int, list[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine it may be the last to end: nothing else that follows it is left by then."""
    leader, children = family
    kill_group = os.killpg
    monkeypatch.setattr(os, "killpg", lambda *signalled: threading.Timer(0.2, kill_group, signalled).start())
    processes.kill(leader)
    assert not any(map(alive, (leader, *children)))


def test_those_of_its_session_are_ended_when_it_is_gone(family: tuple[int, list[int]]) -> None:
    leader, children = family
    os.kill(leader, signal.SIGKILL)
    until(lambda: not alive(leader))
    processes.kill(leader)
    assert [alive(pid) for pid in children] == [False, False, True]


def test_without_psutil_its_group_is_ended(family: tuple[int, list[int]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "psutil", None)
    leader, children = family
    assert processes.followers(leader) == []
    processes.kill(leader)
    until(lambda: not alive(leader) and not alive(children[0]))
    assert [alive(pid) for pid in children] == [False, True, True]


@pytest.mark.parametrize(
    ("exitcode", "words"),
    [(0, "ended with exit code 0"), (3, "ended with exit code 3"), (-9, "was killed by signal 9 (SIGKILL)"),
     (-250, "was killed by signal 250 (unknown)")],
)  # fmt: skip
def test_an_exit_code_is_said_in_words(exitcode: int, words: str) -> None:
    assert processes.ended_by(exitcode) == words


@pytest.fixture
def stranger() -> Iterator[int]:
    """A process with somebody else's mark."""
    marked = {**os.environ, processes.MARK: "other"}
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=marked) as process:
        yield process.pid
        process.kill()


def test_whoever_has_the_mark_is_ended_wherever_it_is(tmp_path: Path, stranger: int) -> None:
    """Also one in a session of its own whose parent is gone."""
    marked = {**os.environ, processes.MARK: "mine"}
    leader = subprocess.Popen([sys.executable, "-c", LEADER, str(tmp_path / "pids")], start_new_session=True, env=marked)
    until(lambda: (tmp_path / "pids").is_file() and (tmp_path / "pids").read_text().count(" ") == 2)
    children = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    leader.kill()
    leader.wait()
    assert all(map(alive, children))
    processes.kill_marked("mine")
    assert not any(map(alive, children)) and alive(stranger)


def test_one_that_is_ending_is_waited_for(monkeypatch: pytest.MonkeyPatch, stranger: int) -> None:
    """Its variables are gone before it is: whoever has lost its mark is not yet dead."""
    marked, living = iter([[stranger], []]), iter([True, True, False])
    monkeypatch.setattr(processes, "_marked", lambda _: next(marked, []))
    monkeypatch.setattr(processes, "_lives", lambda _: next(living))
    processes.kill_marked("mine")
    assert next(living, None) is None
