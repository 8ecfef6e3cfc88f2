"""A warm process: it has imported one backend and Keras, and forks a copy of itself for every job.

    python -m suite.runner.host BACKEND [MODULE:FUNCTION]

Orders come on standard input and answers go to standard output, one JSON object a line:

    {"start": job file, "log": file, "variables": {name: value}}    -> {"pid": 1, "job": job file}, later "ended"
    {"stop": job file}                                              -> "ended", as soon as its processes are killed
    {"ready": true, "seconds": 2.1}                                 once, when everything is imported
    {"note": "CUDA was initialized ..."}                            from now on jobs are new processes, and why
    {"ended": job file, "exitcode": 1, "status": "failed", "reason": "ValueError: ..."}
    {"ended": job file, "exitcode": 0, "status": "complete", "reason": "", "memory": {"reserved": 1, "used": 2, "total": 3}}

The exit code is the job's own, or that of the one of its processes which the job blames.

Why a plain `os.fork` and not multiprocessing's forkserver: the forkserver is exactly this (a process that imported the
modules and forks), with one process more, whose children only its own pipes can reach. Forked children are safe under the
same condition in both: nothing was computed and no device was touched before, so no thread pool or driver is at work. A host
that finds after its imports that this is not so, or is told so by a job, starts every job as a new process, which imports
everything again: slower, never wrong. Nothing else changes: such a process replaces the forked one (`os.execv`).

Nobody survives: a job is a session of its own, and whatever is left of the session when the job ends is killed. What left
the session becomes a child of this process when its parent ends, and is killed, too. The end
of standard input, or of the process that started this one, ends all jobs; if this process is killed, the kernel ends its
children and theirs (`PR_SET_PDEATHSIG`, which is set in everything that Python forks from here on).
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import json
import os
import select
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from suite.engine import processes
from suite.records import Status
from suite.runner import compilation_cache, driver, facts, gpu_memory, outcome, references

ENTRY = "suite.runner.execute_job:main"

# What a job imports anyway, lazily imported parts too. Nothing here may touch a device.
WARM = {
    "tensorflow": ("numpy", "safetensors.numpy", "tensorflow", "keras"),
    "jax": ("numpy", "safetensors.numpy", "jax", "keras"),
    "torch": ("numpy", "safetensors.numpy", "torch", "torch.distributed", "torch.nn.parallel", "keras"),
    "fake": ("numpy", "safetensors.numpy"),
}

NO_RESULT = "the worker ended without a result (exit code 0): something in it ends the process, such as os._exit"
PR_SET_PDEATHSIG = 1
TRACEBACK_SECONDS = 0.05  # what each process of a job that is stopped gets for printing where it is: it takes milliseconds


@dataclass(frozen=True)
class Child:
    """A job's process. `answers`: the descriptor on which it says how it ended. `forked`: not a new process."""

    job: str
    log: str
    variables: dict[str, str]
    answers: int
    forked: bool


class Host:
    """`orders` and `answers` are descriptors. `entry` is called with the job file in each forked process.
    `command`: what starts a process that can do a job without being forked, but for the job's own arguments."""

    def __init__(self, orders: int, answers: int, entry: Callable[[str], None], command: list[str]) -> None:
        self._orders, self._answers, self._entry, self._command = orders, answers, entry, command
        self._unforkable = ""
        self._children: dict[int, Child] = {}
        self._own = processes.children()  # what the imports started
        self._awake, self._wake = os.pipe()
        os.set_blocking(self._awake, False)
        os.set_blocking(self._wake, False)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler nothing wakes the loop
        signal.signal(signal.SIGTERM, self._told_to_end)
        self._ending = False

    def never_fork(self, reason: str) -> None:
        """From now on every job is a new process. Says so once."""
        self._unforkable = reason
        self.answer(note=f"{reason}: jobs start as new processes, which takes longer")

    def serve(self) -> None:
        """Until the orders end."""
        unread = b""
        try:
            while not self._ending:
                readable, _, _ = select.select([self._orders, self._awake], [], [])
                if self._awake in readable:
                    os.read(self._awake, 4096)
                self._reap()
                if self._orders in readable:
                    got = os.read(self._orders, 65536)
                    if not got:
                        return
                    *lines, unread = (unread + got).split(b"\n")
                    for line in lines:
                        self._obey(json.loads(line))
        finally:
            for pid in list(self._children):
                processes.kill(pid)
            self._end_strays()

    def _told_to_end(self, *_: object) -> None:
        self._ending = True  # no exception: it could come while jobs are being ended

    def answer(self, **message: Any) -> None:
        """Sends one line to the engine: see the module's docstring."""
        os.write(self._answers, json.dumps(message).encode() + b"\n")

    def _obey(self, order: dict[str, Any]) -> None:
        if "start" in order:
            self._start(order["start"], order["log"], order.get("variables", {}))
            return
        for pid, child in self._children.items():
            if child.job == order["stop"]:
                for process in (pid, *processes.followers(pid)):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, signal.SIGUSR1)  # says in the log where it is; one by one, to be readable
                    time.sleep(TRACEBACK_SECONDS)
                os.kill(pid, signal.SIGKILL)  # the rest of its session follows when it is reaped

    def _start(self, job: str, log: str, variables: dict[str, str]) -> None:
        listening, answering = os.pipe()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(listening)
            os.close(answering)
            reason = f"no process could be started ({error}): give it more memory or processes, or lower --jobs"
            self.answer(ended=job, exitcode=1, status=Status.FAILED.value, reason=reason)
            return
        if pid == 0:
            try:
                os.close(listening)
                self._become(job, log, variables, answering)
            finally:
                os._exit(1)
        os.close(answering)
        os.set_blocking(listening, False)
        self._children[pid] = Child(job, log, variables, listening, forked=not self._unforkable)
        self.answer(pid=pid, job=job)

    def _become(self, job: str, log: str, variables: dict[str, str], answering: int) -> NoReturn:
        """The life of a forked process: it does the job, or becomes a new process that does."""
        os.setsid()
        processes.adopt_orphans()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        for descriptor in (self._orders, self._answers, self._awake, self._wake):
            os.close(descriptor)
        _print_to(log)
        os.environ.update(variables)
        if self._unforkable:
            os.environ[facts.PROCESS] = f"new, because {self._unforkable}"
            os.set_inheritable(answering, True)
            os.execv(self._command[0], [*self._command, job, str(answering)])
        _work(self._entry, job, answering)

    def _reap(self) -> None:
        for pid, child in list(self._children.items()):
            # Looked at first and reaped afterwards: while it is a zombie, nobody else gets its number.
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            processes.kill(pid)
            exitcode = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            del self._children[pid]
            said = _said(child.answers, exitcode)
            os.close(child.answers)
            if said.pop("forked_too_late", False) and child.forked:
                if not self._unforkable:
                    self.never_fork(said["reason"])
                self._start(child.job, child.log, child.variables)
            else:
                self.answer(ended=child.job, **said)
        self._end_strays()

    def _end_strays(self) -> None:
        """Ends what jobs left that had made a session of its own. While a job lives, its orphans are its own children."""
        for pid in processes.children() - self._children.keys() - self._own:
            processes.kill(pid)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _work(entry: Callable[[str], None], job: str, answering: int) -> NoReturn:
    """Does the job in this process, which prints to the job's log already."""
    _answer_at(answering)
    try:
        entry(job)
    except BaseException as error:  # a scenario may call sys.exit
        traceback.print_exc()
        outcome.end_with(error)
    outcome.complete(_memory())
    # No interpreter shutdown: artifacts are complete, and a framework that aborts in its teardown must not cost them.
    sys.stdout.flush()
    os._exit(0)


def _memory() -> dict[str, int] | None:
    """Which memory of a GPU the job took. A complete job does not fail because this cannot be told."""
    try:
        return gpu_memory.report()
    except Exception:
        traceback.print_exc()
        return None


def _answer_at(answering: int) -> None:
    """From now on this process says why it fails, and where it is when it is stopped."""
    _be_the_first_to_go()
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=False)
    outcome.listen_at(answering)


def _print_to(log: str) -> None:
    """Everything that this process prints goes to the log, also what C++ prints."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]


def _be_the_first_to_go() -> None:
    """When memory runs out, a job is killed rather than its host or the coordinator."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def _said(answers: int, exitcode: int) -> dict[str, Any]:
    """Exit code, status and reason as the job gave them. One that said nothing has no result, also with exit code 0."""
    with contextlib.suppress(BlockingIOError):
        if said := os.read(answers, 65536):
            first: dict[str, Any] = json.loads(said.split(b"\n")[0])
            return first
    reason = "" if exitcode else NO_RESULT
    return {"exitcode": exitcode, "status": Status.FAILED.value, "reason": reason}


def die_with_parent(number: int) -> None:
    """Has the kernel send this process the signal when the thread that started it ends. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def _chain_to_parent() -> None:
    """Everything that Python forks from here on dies with the process that forked it."""
    forking = os.getpid()

    def remember() -> None:
        nonlocal forking
        forking = os.getpid()

    def chain() -> None:
        die_with_parent(signal.SIGKILL)
        if os.getppid() != forking:
            os.kill(os.getpid(), signal.SIGKILL)

    os.register_at_fork(before=remember, after_in_child=chain)


def main(backend: str, entry: str = ENTRY) -> None:
    """Imports the backend, and serves until the orders end. `entry`: what a job calls with its file."""
    began = time.monotonic()
    die_with_parent(signal.SIGTERM)
    processes.adopt_orphans()
    _chain_to_parent()
    # Standard output becomes standard error for everybody else: frameworks print, at import too.
    orders, answers = os.dup(0), os.dup(1)
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    _import(backend)
    host = Host(orders, answers, references.load(entry), [sys.executable, "-P", "-m", "suite.runner.host", backend, entry])
    if reason := driver.initialized(backend):
        host.never_fork(reason)
    gc.freeze()  # children share these objects: a collection in one must not copy all their pages
    host.answer(ready=True, seconds=round(time.monotonic() - began, 3))
    host.serve()


def work_alone(backend: str, entry: str, job: str, answering: str) -> NoReturn:
    """One job in a process that a host started and did not fork. The host has given it its session, log and variables."""
    _chain_to_parent()  # that the kernel ends this process with its host outlives the exec
    os.set_inheritable(int(answering), False)
    _answer_at(int(answering))
    _import(backend)
    _work(references.load(entry), job, int(answering))


def _import(backend: str) -> None:
    warnings.filterwarnings("ignore", message=".*fork.*")
    compilation_cache.leave_out_if_unsafe()
    for module in WARM[backend]:
        importlib.import_module(module)


if __name__ == "__main__":
    if len(sys.argv) <= 3:
        main(*sys.argv[1:])
    else:
        work_alone(*sys.argv[1:])
