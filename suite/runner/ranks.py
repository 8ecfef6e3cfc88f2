"""N processes that train together, with one device each: how they start, exchange arrays, and end with their reason.

The first, rank 0, leads: it writes the artifacts. They meet in a folder that all of them see.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from suite.artifacts import arrays as files
from suite.artifacts import names
from suite.artifacts.store import Store
from suite.engine import processes
from suite.records import Job
from suite.runner.outcome import ForkedTooLate, NoDevices, Unsupported, end_with, fail

SIBLING_SECONDS = 2.0  # a rank that failed first breaks this one's collectives: its watcher then ends us with its reason
POLL_SECONDS = 0.002
HERE = "127.0.0.1"
VISIBLE = "CUDA_VISIBLE_DEVICES"

Arrays = dict[str, np.ndarray]


class Meeting:
    """Where the ranks of a job exchange arrays: by files and not by collectives, so without pickle, and in the same way for
    every backend and device."""

    def __init__(self, folder: Path, rank: int, ranks: int) -> None:
        self.folder, self.rank, self.ranks = folder, rank, ranks
        self._gathered = 0

    def gather(self, name: str, arrays: Mapping[str, np.ndarray]) -> list[Arrays]:
        """The arrays of all ranks, in their order, in the leader; in the others an empty list. Every rank asks in the same
        order. A rank that never comes ends the leader elsewhere: see `work`."""
        self._gathered += 1
        if self.rank:
            made = self.folder / f"{os.getpid()}.part"
            files.write(made, arrays)
            made.replace(self._file(name, self.rank))
            return []
        return [dict(arrays), *(self._taken(self._file(name, rank)) for rank in range(1, self.ranks))]

    def _file(self, name: str, rank: int) -> Path:
        return self.folder / names.file_of(f"{self._gathered}-{name}-{rank}")

    def _taken(self, file: Path) -> Arrays:
        while not file.is_file():
            time.sleep(POLL_SECONDS)
        arrays = files.loaded(file)
        file.unlink()
        return arrays


def work(job: Job, execute: Callable[[Job, Meeting], None], what: str) -> None:
    """Executes the job in as many processes as it has devices; this one is rank 0. `what`: of which they are ranks."""
    with Store(job.run_folder).temporary() as folder:
        ranks = [
            get_context("fork").Process(target=_follow, args=(job, execute, Meeting(folder, rank, job.devices)), daemon=True)
            for rank in range(1, job.devices)
        ]
        for process in ranks:
            process.start()
        watchers = _end_if_one_fails(ranks, folder, what)
        try:
            execute(job, Meeting(folder, 0, job.devices))
        except Unsupported:
            raise
        except Exception:
            time.sleep(SIBLING_SECONDS)
            raise
        for watcher in watchers:
            watcher.join()


def alone(job: Job, rank: int) -> Job:
    """The job as this rank sees it: with one device, which is its GPU of those that the job was given."""
    if job.options.device == "gpu" and (visible := os.environ.get(VISIBLE, "")):
        os.environ[VISIBLE] = visible.split(",")[rank]
    return replace(job, devices=1, gpus=min(job.gpus, 1))


def addresses(count: int) -> list[str]:
    """So many addresses of this machine, host:port, where nobody listens yet. All are different."""
    held = [socket.create_server((HERE, 0)) for _ in range(count)]
    try:
        return [f"{HERE}:{one.getsockname()[1]}" for one in held]
    finally:
        for one in held:
            one.close()


def _follow(job: Job, execute: Callable[[Job, Meeting], None], meeting: Meeting) -> None:
    left = meeting.folder / f"rank-{meeting.rank}"
    try:
        execute(job, meeting)
    except Unsupported as error:
        left.with_suffix(f".{type(error).__name__}").write_text(str(error))
        raise
    except BaseException as error:
        left.with_suffix(".failed").write_text(f"{type(error).__name__}: {error}")
        raise


def _end_if_one_fails(ranks: list[Any], meeting: Path, what: str) -> list[threading.Thread]:
    """A rank that died leaves the others waiting: end this process then, with that rank's reason.

    Only these threads wait for the ranks: a second waiter would not be told the exit code.
    """

    def watch(rank: int, process: Any) -> None:
        process.join()
        if process.exitcode == 0:
            return
        # Refused on every rank for the same reason: no failure of this one.
        for kind in (Unsupported, NoDevices, ForkedTooLate):
            if (refused := meeting / f"rank-{rank}.{kind.__name__}").is_file():
                end_with(kind(refused.read_text()))
        left = meeting / f"rank-{rank}.failed"
        if left.is_file():
            fail(f"rank {rank} of {what} failed: {left.read_text()}")
        else:
            fail(f"rank {rank} of {what} {processes.ended_by(process.exitcode)}", process.exitcode)

    watchers = [
        threading.Thread(target=watch, args=(rank, process), daemon=True) for rank, process in enumerate(ranks, start=1)
    ]
    for watcher in watchers:
        watcher.start()
    return watchers
