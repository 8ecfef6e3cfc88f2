"""The processes of a session, and their end. The coordinator uses it, and the hosts of the worker."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

try:
    import psutil
except (
    ImportError
):  # the user's own interpreter may lack it: then a job's process group is ended, and nothing beyond it is found
    psutil = None

MARK = "PARITY_HOST"  # a variable that everything has which a host brought about, also what left its session
PR_SET_CHILD_SUBREAPER = 36
KILL_SECONDS = 2.0  # a process that is still there then hangs in a driver: waiting would stop other jobs too


def kill(leader: int) -> None:
    """Kills the process, its group, and everything that follows it, until none is left (or none can be killed)."""
    strays = followers(leader)  # looked for first: who its descendants are is not known any more when it is gone
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
    until = time.monotonic() + KILL_SECONDS
    while time.monotonic() < until and ((strays := [*filter(_lives, strays), *_session(leader)]) or _lives(leader)):
        for pid in strays:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)


def kill_marked(mark: str) -> None:
    """Kills everything that was started with this value of `MARK`, whoever its parent is by now, until none is left."""
    until, killed = time.monotonic() + KILL_SECONDS, set[int]()
    while time.monotonic() < until and ((left := _marked(mark)) or any(map(_lives, killed))):
        killed.update(left)  # one that is ending has no variables any more, a while before it has ended
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)


def _marked(mark: str) -> list[int]:
    """Living processes with this value of `MARK`. Linux only: elsewhere, none is found."""
    wanted, found = f"{MARK}={mark}".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended since, or is not ours to ask
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def adopt_orphans() -> None:
    """From now on a process whose parent ends becomes a child of this one, if it descends from it: so it can be ended.
    Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> set[int]:
    """The children of this process, those that have ended and were not waited for too. Linux only: elsewhere, none."""
    found: set[int] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(map(int, file.read_text().split()))
    return found


def followers(leader: int) -> list[int]:
    """Living processes that a leader brought about, without itself: all of its session, also those that made a process
    group of their own, and its descendants, also those that made a session of their own."""
    if psutil is None:
        return []
    descendants: list[int] = []
    with contextlib.suppress(psutil.Error):
        descendants = [one.pid for one in psutil.Process(leader).children(recursive=True) if _lives(one.pid)]
    return list(dict.fromkeys([*_session(leader), *descendants]))


def _session(leader: int) -> list[int]:
    found = []
    for pid in psutil.pids() if psutil is not None else ():
        with contextlib.suppress(OSError):  # it has ended since, or is not ours to ask
            if pid != leader and os.getsid(pid) == leader and _lives(pid):
                found.append(pid)
    return found


def _lives(pid: int) -> bool:
    if psutil is None:
        return False
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return False


def ended_by(exitcode: int) -> str:
    """An exit code in words."""
    if exitcode >= 0:
        return f"ended with exit code {exitcode}"
    name = signal.Signals(-exitcode).name if -exitcode in set(signal.Signals) else "unknown"
    return f"was killed by signal {-exitcode} ({name})"
