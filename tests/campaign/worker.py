"""What a worker of a campaign calls with its job: the suite's own worker, and in its middle the fault that was drawn.

The fault is beside the run folder, in fault.json. It happens at the n-th file that the job writes, before or after it is
written, or at its end. So every state of a folder that a death can leave is reached, and can be reached again.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from suite.artifacts import arrays, places
from suite.artifacts.reading import record as read_record
from suite.records import Job
from suite.runner import execute_job

ENTRY = "tests.campaign.worker:main"
FAULT, DONE = "fault.json", "fault.done"
OF_RANKS = "rank killed"  # there are ranks on the real backends only
LONGER = 600.0  # seconds: longer than anybody waits


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`action` happens in the job of this id (anywhere, if it is empty) at the `at`-th file that it writes, `again` in its
    second attempt too."""

    action: str
    job: str = ""
    at: int = 0
    after: bool = False
    again: bool = False


def main(job_file: str) -> None:
    """Executes a job, with the fault if it is drawn for it."""
    job = read_record(Path(job_file), Job)
    fault = read_record(Path(job.run_folder).parent / FAULT, Fault)
    if fault.action in WORKER and fault.job == job.id:
        _Writing(fault, Path(job.run_folder).parent / DONE).watch()
    execute_job.main(job_file)
    if fault.action in WORKER and fault.job == job.id:
        _strike(fault, Path(job.run_folder).parent / DONE)


def first(done: Path) -> bool:
    """Whether nobody struck before."""
    with contextlib.suppress(FileExistsError):
        done.touch(exist_ok=False)
        return True
    return False


def _strike(fault: Fault, done: Path) -> None:
    if fault.action == OF_RANKS and not _children():
        return  # none lives any more
    if first(done) or fault.again:
        WORKER[fault.action]()


class _Writing:
    """Counts the files that this process writes."""

    def __init__(self, fault: Fault, done: Path) -> None:
        self._fault, self._done, self._count = fault, done, 0

    def watch(self) -> None:
        for module, name in ((arrays, "write"), (places, "write")):
            setattr(module, name, self._watched(getattr(module, name)))

    def _watched(self, write: Callable[..., None]) -> Callable[..., None]:
        def watched(*given: Any, **named: Any) -> None:
            strikes = self._count == self._fault.at
            self._count += 1
            if strikes and not self._fault.after:
                _strike(self._fault, self._done)
            write(*given, **named)
            if strikes and self._fault.after:
                _strike(self._fault, self._done)

        return watched


# ---------------------------------------------------------------- what can happen


def _signalled(number: int) -> Callable[[], None]:
    return lambda: os.kill(os.getpid(), number)


def _host() -> int:
    return os.getppid()


def coordinator() -> int:
    """The process that started this one's host."""
    return int(Path(f"/proc/{_host()}/stat").read_text().rpartition(")")[2].split()[1])


def _to_coordinator(number: int) -> Callable[[], None]:
    def strike() -> None:
        os.kill(coordinator(), number)
        time.sleep(LONGER)

    return strike


def _full() -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a file")


def _small_files() -> None:
    """From now on no file may have more than 64 bytes, as after `ulimit -f`."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))


def _child_of_its_own() -> None:
    """A child that leaves the session, and outlives the job if nobody ends it."""
    subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONGER})"], start_new_session=True)


def _child_and_death() -> None:
    _child_of_its_own()
    os.kill(os.getpid(), signal.SIGKILL)


def _stranger() -> None:
    """A child whose parent is gone, in a session of its own: as daemons begin."""
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        time.sleep(LONGER)
    os.wait()


def _children() -> list[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(one) for one in listed]


def _rank() -> None:
    """One of the processes that this one trains with, if it trains with others."""
    for child in _children()[:1]:
        os.kill(child, signal.SIGKILL)
        time.sleep(LONGER)


def _interrupted() -> None:
    raise KeyboardInterrupt


def _raised() -> None:
    raise RuntimeError("half a character \ud800, \x1b[31mred\x1b[0m, <b>bold</b>")


WORKER: dict[str, Callable[[], None]] = {
    "worker killed": _signalled(signal.SIGKILL),
    "worker terminated": _signalled(signal.SIGTERM),
    "worker crashed": _signalled(signal.SIGSEGV),
    "worker aborted": _signalled(signal.SIGABRT),
    "worker stopped": _signalled(signal.SIGSTOP),
    "worker exits with 0": lambda: os._exit(0),
    "worker exits with 1": lambda: os._exit(1),
    "worker raises": _raised,
    "worker interrupted": _interrupted,
    "worker's disk is full": _full,
    "worker's files are limited": _small_files,
    "worker leaves a child": _child_of_its_own,
    "worker leaves a stranger": _stranger,
    "worker with a child killed": _child_and_death,
    OF_RANKS: _rank,
    "host killed": lambda: os.kill(_host(), signal.SIGKILL),
    "host crashed": lambda: os.kill(_host(), signal.SIGSEGV),
    "host stopped": lambda: os.kill(_host(), signal.SIGSTOP),
    "coordinator killed": _to_coordinator(signal.SIGKILL),
    "coordinator terminated": _to_coordinator(signal.SIGTERM),
    "coordinator interrupted": _to_coordinator(signal.SIGINT),
}
