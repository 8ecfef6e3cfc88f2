"""Imports what a user or a plugin brings in a process of its own first: it may exit, hang, or raise an interrupt.

The process is forked, so that it sees what this one sees. Its session is ended with it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable

import msgspec

from suite.records import Broken

SECONDS = 60.0  # for an import: one of a scenario takes milliseconds, and one of a framework seconds
POLL_SECONDS = 0.02
LARGEST = 1 << 16  # bytes of an answer: a Broken has less


def attempt(load: Callable[[], Broken | None]) -> Broken | str:
    """What `load` returns, called in a process of its own; "" for None. Where that process did not answer, why, as words.

    Raises:
        KeyboardInterrupt: the user's. One that is raised by what is imported stays in its process.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(load, reading, writing)
    os.close(writing)
    try:
        return _heard(child, reading)
    finally:
        os.close(reading)
        for group in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                group(child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)


def _answer(load: Callable[[], Broken | None], reading: int, writing: int) -> None:
    """The life of the child."""
    try:
        os.setsid()  # Ctrl-C on the terminal is for the command
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(SECONDS) + 5)  # also if the command is killed
        os.close(reading)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.write(writing, msgspec.json.encode(load())[: LARGEST - 1] + b"\n")
    finally:
        os._exit(0)


def _heard(child: int, reading: int) -> Broken | str:
    until, said = time.monotonic() + SECONDS, b""
    while not said.endswith(b"\n"):
        readable, _, _ = select.select([reading], [], [], POLL_SECONDS)
        if readable and (got := os.read(reading, LARGEST)):
            said += got
            continue
        if (ended := os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            return _silent(ended.si_code == os.CLD_EXITED, ended.si_status)
        if time.monotonic() > until:
            return f"its import did not end within {SECONDS:g} s: move what takes long into its functions"
        time.sleep(POLL_SECONDS if readable else 0)
    return msgspec.json.decode(said, type=Broken | None) or ""


def _silent(exited: bool, status: int) -> str:
    how = f"with exit code {status}" if exited else f"by signal {status} ({_name(status)})"
    return f"its import ended the process {how}: move what does so into its functions"


def _name(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else "unknown"
