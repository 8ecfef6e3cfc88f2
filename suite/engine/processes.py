"""The processes of a session, and their end. Standard library only."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

KILL_SECONDS = 2.0  # a process that is still there then hangs in a driver: waiting would stop other jobs too


def kill(leader: int) -> None:
    """Kills the process, its group, and every process of its session, until none is left (or none can be killed)."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
    until = time.monotonic() + KILL_SECONDS
    while time.monotonic() < until and (strays := followers(leader)):
        for pid in strays:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)


def followers(leader: int) -> list[int]:
    """Living processes of a session, without its leader; also those that made a process group of their own.

    Read from /proc/<pid>/stat: the fields after the name, which may hold anything, are state, parent, group, session.
    """
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
            pid = int(stat.parent.name)
            if int(session) == leader and pid != leader and state not in "ZX":
                found.append(pid)
    return found


def ended_by(exitcode: int) -> str:
    """An exit code in words."""
    if exitcode >= 0:
        return f"ended with exit code {exitcode}"
    name = signal.Signals(-exitcode).name if -exitcode in set(signal.Signals) else "unknown"
    return f"was killed by signal {-exitcode} ({name})"
