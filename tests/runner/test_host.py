"""The host alone, driven over its pipes as the engine drives it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from suite.runner.host import NO_RESULT
from tests.processes import alive, until

PROJECT = Path(__file__).resolve().parents[2]


class Driven:
    def __init__(self, folder: Path, entry: str, *paths: str) -> None:
        self.folder = folder
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT), str(Path(__file__).parent), *paths])}
        command = [sys.executable, "-P", "-m", "suite.runner.host", "fake", entry]
        with (folder / "host.log").open("wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                text=True,
                bufsize=1,
            )

    def start(self, what: str, **variables: str) -> str:
        """Orders a job and returns the name of its file."""
        file = self.folder / f"{what}.json"
        file.write_text(json.dumps({"scenario": what, "run_folder": str(self.folder), "cores": 1}))
        self.order(start=str(file), log=str(self.log(what)), variables={"CUDA_VISIBLE_DEVICES": "", **variables})
        return str(file)

    def order(self, **order: object) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(order) + "\n")

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())  # type: ignore[no-any-return]

    def ended(self, what: str) -> dict[str, Any]:
        """Runs one job to its end."""
        file = self.start(what)
        assert self.answer().keys() == {"pid", "job"}
        answer = self.answer()
        assert answer.pop("ended") == file
        return answer

    def log(self, what: str) -> Path:
        return self.folder / f"{what}.log"


@contextlib.contextmanager
def driving(folder: Path, entry: str = "stand_in:main", *paths: str) -> Iterator[Driven]:
    driven = Driven(folder, entry, *paths)
    assert driven.process.stdin and driven.process.stdout
    yield driven
    driven.process.stdin.close()
    driven.process.wait(5)
    driven.process.stdout.close()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Driven]:
    with driving(tmp_path) as driven:
        assert driven.answer()["ready"] is True
        yield driven


def pids(folder: Path, count: int = 1) -> list[int]:
    """What hanging jobs wrote, as soon as `count` of them have."""
    until(lambda: len(list(folder.glob("pids-*"))) >= count)
    return [pid for file in folder.glob("pids-*") for pid in json.loads(file.read_text())]


def test_a_job_that_returns_is_complete(host: Driven) -> None:
    assert host.ended("fine") == {"exitcode": 0, "status": "complete", "reason": ""}


def test_an_exception_is_the_reason_and_its_traceback_is_in_the_log(host: Driven) -> None:
    answer = host.ended("raise")
    assert (answer["exitcode"], answer["status"]) == (1, "failed")
    assert answer["reason"].startswith("ValueError: the first line\nthe second xxx")
    assert len(answer["reason"]) == 500
    log = host.log("raise").read_text()
    assert "about to raise\nTraceback (most recent call last):" in log


@pytest.mark.parametrize(
    ("what", "exitcode", "status", "reason"),
    [
        ("unsupported", 3, "unsupported", "JAX 0.10.2 has no such thing"),
        ("nodevices", 1, "no such devices", "sees 0 GPU(s), 1 wanted"),
        ("fail", 1, "failed", "rank 1 of torch DDP failed: ValueError: no"),
        ("exit", 1, "failed", "SystemExit: the scenario said goodbye (stand_in.py, line 99)"),
        ("vanish", 7, "failed", ""),
        ("quit", 0, "failed", NO_RESULT),
        ("crash", -signal.SIGSEGV, "failed", ""),
        ("killed", -signal.SIGKILL, "failed", ""),
    ],
)
def test_every_end_has_a_status(host: Driven, what: str, exitcode: int, status: str, reason: str) -> None:
    assert host.ended(what) == {"exitcode": exitcode, "status": status, "reason": reason}


def test_a_crash_leaves_its_place_in_the_log(host: Driven) -> None:
    host.ended("crash")
    assert "do_crash" in host.log("crash").read_text()


def test_output_of_jobs_is_in_their_log_only(host: Driven) -> None:
    assert host.ended("noise")["status"] == "complete"
    log = host.log("noise").read_text()
    assert log.count('{"ready": true}') == log.count('{"ended": "me"}') == 2000
    assert "from a child process" in log
    assert log.endswith("last words without an end of line")


def test_output_of_an_import_is_kept_away(tmp_path: Path) -> None:
    loud = "import os\nprint('{}', flush=True)\nos.system('echo {}')\nfrom stand_in import main\n"
    (tmp_path / "loud.py").write_text(loud)
    with driving(tmp_path, "loud:main", str(tmp_path)) as host:
        assert host.answer()["ready"] is True
        assert host.ended("fine")["status"] == "complete"
    assert (tmp_path / "host.log").read_text() == "{}\n{}\n"


def test_an_import_that_fails_ends_the_host(tmp_path: Path) -> None:
    with driving(tmp_path, "nowhere:main") as host:
        assert host.process.wait(20) == 1
    assert "No module named 'nowhere'" in (tmp_path / "host.log").read_text()


def test_variables_are_the_jobs_own(host: Driven) -> None:
    for what, gpus in (("fine-1", "0,3"), ("fine-2", "1")):
        host.start(what, CUDA_VISIBLE_DEVICES=gpus)
        host.answer()
        host.answer()
    notes = [json.loads(line) for line in (host.folder / "notes").read_text().splitlines()]
    assert [note["gpus"] for note in notes] == ["0,3", "1"]


def test_stop_ends_all_processes_and_the_log_says_where_it_was(host: Driven) -> None:
    file = host.start("hang")
    host.answer()
    _, *own = pids(host.folder)
    assert all(map(alive, own))
    host.order(stop=file)
    assert host.answer()["exitcode"] == -signal.SIGKILL
    until(lambda: not any(map(alive, own)))
    assert "in do_hang" in host.log("hang").read_text()
    assert host.ended("fine")["status"] == "complete"


def test_a_job_that_is_killed_takes_its_processes_along(host: Driven) -> None:
    host.start("hang")
    host.answer()
    _, leader, *others = pids(host.folder)
    os.kill(leader, signal.SIGKILL)
    assert host.answer()["exitcode"] == -signal.SIGKILL
    until(lambda: not any(map(alive, others)))


def test_a_job_that_ends_well_leaves_nothing_behind(host: Driven) -> None:
    assert host.ended("litter")["status"] == "complete"
    until(lambda: not any(map(alive, pids(host.folder))))


@pytest.mark.parametrize("how", [signal.SIGTERM, None])
def test_the_end_of_the_host_is_the_end_of_its_jobs(host: Driven, how: signal.Signals | None) -> None:
    host.start("hang")
    everything = pids(host.folder)
    if how is None:
        assert host.process.stdin
        host.process.stdin.close()
    else:
        host.process.send_signal(how)
    host.process.wait(5)
    until(lambda: not any(map(alive, everything)))


def test_even_a_killed_host_takes_forked_processes_along(host: Driven) -> None:
    host.start("hang")
    _, leader, rank, foreign = pids(host.folder)
    host.process.kill()
    until(lambda: not alive(leader) and not alive(rank))
    os.kill(foreign, signal.SIGKILL)  # the engine does this: it knows the group
