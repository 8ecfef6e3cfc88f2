"""The coordinator's side of a host: a warm process of one environment that forks a process for every job."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from suite.artifacts import places
from suite.engine import processes
from suite.engine.gpus import Memory
from suite.records import Job, Status

TAIL_LINES = 40  # what a table cell can unfold and a person still reads
TAIL_BYTES = 16_384
CLOSE_SECONDS = 5.0  # a host ends its jobs in milliseconds; after this it hangs and is killed


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One line from a host; see suite/runner/host.py."""

    ready: bool = False
    seconds: float = 0.0
    pid: int = 0
    job: str = ""
    ended: str = ""
    exitcode: int = 0
    status: Status = Status.COMPLETE
    reason: str = ""
    note: str = ""
    memory: Memory | None = None


class Lines:
    """What a host says, put together from what was read."""

    def __init__(self) -> None:
        self._unread = b""

    def answers(self, read: bytes) -> list[Answer]:
        """Those that are whole now."""
        *lines, self._unread = (self._unread + read).split(b"\n")
        return [msgspec.json.decode(line, type=Answer) for line in lines]


class Warm:
    """A host process.

    Raises:
        OSError: the interpreter cannot be started.
    """

    def __init__(self, command: list[str], variables: Mapping[str, str], log: Path) -> None:
        self.log = log
        self.ready = False
        self.began = time.monotonic()
        self.pids: dict[str, int] = {}
        self._lines = Lines()
        self._mark = secrets.token_hex()
        with log.open("ab") as stream:
            # A session of its own: Ctrl-C on the terminal reaches the coordinator only, which ends the hosts in order.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                env={**variables, processes.MARK: self._mark},
                cwd=log.parent,
                start_new_session=True,
                bufsize=0,
            )
        assert self._process.stdin and self._process.stdout
        self._orders, self._answers = self._process.stdin, self._process.stdout

    @property
    def gone(self) -> bool:
        return self._process.poll() is not None

    def fileno(self) -> int:
        return self._answers.fileno()

    def start(self, job: Job, job_file: Path, log: Path, variables: Mapping[str, str]) -> None:
        """Writes the job file, and has the job started."""
        places.write(job_file, msgspec.json.encode(job.shown()))
        places.vacate(log)
        self._order({"start": str(job_file), "log": str(log), "variables": dict(variables)})

    def stop(self, job_file: Path) -> None:
        self._order({"stop": str(job_file)})

    def answers(self) -> list[Answer] | None:
        """What it said since the last call (call when readable); None when it has ended."""
        got = os.read(self.fileno(), 65536)
        if not got:
            return None
        answers = self._lines.answers(got)
        for answer in answers:
            self.ready = self.ready or answer.ready
            if answer.pid:
                self.pids[answer.job] = answer.pid
            self.pids.pop(answer.ended, None)
        return answers

    def close(self) -> None:
        """Ends it and all its jobs."""
        self._orders.close()
        if self.ready:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(CLOSE_SECONDS)
                self.pids.clear()
        self.kill()

    def kill(self) -> int:
        """Ends it, all its jobs and whatever they started by force, also when it is gone already. Returns its exit code."""
        self._process.kill()
        for pid in self.pids.values():
            processes.kill(pid)
        exitcode = self._process.wait()
        processes.kill_marked(self._mark)
        self._orders.close()
        self._answers.close()
        return exitcode

    def _order(self, order: object) -> None:
        # A host that is gone is noticed where its answers are read.
        with contextlib.suppress(BrokenPipeError):
            self._orders.write(msgspec.json.encode(order) + b"\n")


def tail(log: Path) -> str:
    """The last lines of a log; empty if there is none."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = stream.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-TAIL_LINES:])
