"""How a job can end other than well, and how it says so to the host that started it."""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from suite.records import Status, showing

REASON_LENGTH = 500  # characters: a few lines of a table cell, and far below the 4096 bytes that a pipe takes at once
# What TensorFlow writes before and after the message of an error in a compiled function.
OF_THE_GRAPH = re.compile(r'Graph execution error:|Detected at node |File "|\[\[\{\{node |<stack traces unavailable>')
NODE = re.compile(r"^Detected at node (\S+)", re.MULTILINE)
# Before the message of what a file does not load for, Keras prints the configuration; behind that of a call, its arguments.
AROUND, BEHIND = "Exception encountered: ", "Arguments received by "

# What a backend's message does not say, by words in it.
HINTS = {
    "only supports NHWC": "TensorFlow has kernels for channels_first on this CPU only with oneDNN: set "
    "TF_ENABLE_ONEDNN_OPTS=1 among the variables of the environment",
    "Reverse-mode differentiation does not work for lax.while_loop": "JAX has no gradient of keras.ops.while_loop: write "
    "the loop with keras.ops.scan, or with a number of steps that no tensor decides",
}
NOBODYS = (Path(__file__).parents[1], Path(sys.prefix), Path(sys.base_prefix))  # folders of files that no user wrote

OUT_OF_MEMORY = ("out of memory", "outofmemory", "resource_exhausted", "resourceexhausted")  # in errors of a GPU

_host = -1  # the descriptor on which the host listens; none outside a host


class Unsupported(Exception):
    """What was asked for cannot be done by this backend, version or model; the message says by whom and why."""

    status = Status.UNSUPPORTED


class NoDevices(Unsupported):
    """The devices that were asked for are not there."""

    status = Status.NO_DEVICES


class ForkedTooLate(NoDevices):
    """A device cannot be used because this process was forked from one that had initialized it: a new process can."""


@contextmanager
def beside_training(words: str) -> Iterator[None]:
    """Around what the suite tries beside the user's training: where that fails, the model does not. `words`: what was tried.
    A machine that is full may do it the next time: that stays a failure.

    Raises:
        Unsupported: it cannot be done.
    """
    try:
        yield
    except (Unsupported, MemoryError, OSError):
        raise
    except Exception as error:
        if any(text in f"{type(error).__name__}: {error}".lower() for text in OUT_OF_MEMORY):
            raise
        raise Unsupported(f"{words}: {type(error).__name__}: {message(error)}{line(error)}") from error


def listen_at(descriptor: int) -> None:
    """From now on this process and those it forks answer there."""
    global _host
    _host = descriptor


def end_with(error: BaseException) -> NoReturn:
    """Ends this process at once, with the error as its reason. Exit code 3 means unsupported, 1 anything else."""
    status = error.status if isinstance(error, Unsupported) else Status.FAILED
    reason = str(error) if isinstance(error, Unsupported) else f"{type(error).__name__}: {message(error)}{line(error)}"
    _end(status, reason, 3 if status is Status.UNSUPPORTED else 1, forked_too_late=isinstance(error, ForkedTooLate))


def complete(memory: dict[str, int] | None) -> None:
    """Tells the host that the job is complete, and which memory of its GPU it took. A process that ends without this has no
    result, whatever its exit code."""
    if _host >= 0:
        known = {} if memory is None else {"memory": memory}
        answer = {"status": Status.COMPLETE.value, "reason": "", "exitcode": 0, **known}
        os.write(_host, json.dumps(answer).encode() + b"\n")


def fail(reason: str, exitcode: int = 1) -> NoReturn:
    """Ends this process at once, from any thread, with this reason. `exitcode`: of the process of this job that is to blame,
    negative if it died of a signal."""
    _end(Status.FAILED, reason, exitcode)


def _end(status: Status, reason: str, exitcode: int, *, forked_too_late: bool = False) -> NoReturn:
    if _host >= 0:
        lines = [line.rstrip() for line in showing.visible(reason).splitlines() if line.strip()]
        answer = {
            "status": status.value,
            "reason": shortened("\n".join(lines)),
            "exitcode": exitcode,
            "forked_too_late": forked_too_late,
        }
        os.write(_host, json.dumps(answer, ensure_ascii=True).encode() + b"\n")
    os._exit(max(exitcode, 1))


def message(error: BaseException) -> str:
    """What went wrong, in the words of who noticed it: without what Keras prints around it, and without the stack that
    TensorFlow puts before an error in a compiled function, of which the node remains."""
    # A KeyError quotes its words, line breaks and all: these are somebody else's.
    quoted = isinstance(error, KeyError) and "\\n" in str(error)
    text = showing.visible(str(error.args[0] if quoted else error)).rpartition(AROUND)[2].partition(BEHIND)[0]
    lines = [line.strip() for line in text.splitlines()]
    kept = [line for line in lines if line and not OF_THE_GRAPH.match(line)]
    node = NODE.search(text)
    said = "\n".join(kept) + (f" (at node {node[1]})" if node else "") if kept else str(error)
    return "\n".join([said, *(hint for words, hint in HINTS.items() if words in said)])


def line(error: BaseException) -> str:
    """The innermost line of a user's own file at which it was raised, in brackets after a space; empty if there is none."""
    for frame, number in reversed(list(traceback.walk_tb(error.__traceback__))):
        path = Path(frame.f_code.co_filename)
        if path.is_absolute() and path.is_file() and not any(path.is_relative_to(one) for one in NOBODYS):
            return f" ({path.name}, line {number})"
    return ""


def shortened(reason: str) -> str:
    return reason if len(reason) <= REASON_LENGTH else reason[: REASON_LENGTH - 3] + "..."
