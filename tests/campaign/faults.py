"""Faults while the suite runs: each command that one strikes, and the command after it, judged against the clean one."""

from __future__ import annotations

import errno
import functools
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from suite.artifacts import places
from suite.commands import main
from suite.engine import dispatch, local
from tests.campaign import ground as grounds
from tests.campaign.ground import EVERY_KIND, KINDS, ON_BACKENDS, Ground, Kind, Verdicts
from tests.campaign.worker import DONE, ENTRY, FAULT, OF_RANKS, WORKER, Fault
from tests.processes import alive

PATIENCE = 5.0  # seconds within which everything that a command started must be gone
FILES = 60  # more than any job or report here writes: the rest strikes at the end
SLOW = ("worker stopped", "host stopped")  # these wait for their limit
CACHE_OF_TORCH = "torchinductor_"  # one folder for each user, which torch makes when it is imported
WITH_RANKS = "torch on devices"
NEVER = Fault(action="")
BY_SIGNAL = {
    "coordinator killed": -signal.SIGKILL, "coordinator terminated": -signal.SIGTERM,
    "command killed": -signal.SIGKILL, "command terminated": -signal.SIGTERM,
}  # fmt: skip
INTERRUPTED = 130


# ---------------------------------------------------------------- faults of the coordinator itself


def _refuses(number: int) -> Callable[[], NoReturn]:
    def strike() -> NoReturn:
        raise OSError(number, os.strerror(number), "a file")

    return strike


def _few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 2,) * 2)


def _interrupts() -> NoReturn:
    raise KeyboardInterrupt


COORDINATOR: dict[str, Callable[[], None]] = {
    "command killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "command terminated": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "command interrupted": _interrupts,
    "command's disk is full": _refuses(errno.ENOSPC),
    "command's folder is forbidden": _refuses(errno.EACCES),
    "command's disk is broken": _refuses(errno.EIO),
    "command's files are limited": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)),
    "command has few descriptors": _few_files,
    "command runs out of memory": lambda: (_ for _ in ()).throw(MemoryError()),
}  # fmt: skip


def _watch(fault: Fault, done: Path) -> None:
    """Strikes at the n-th file that this process writes."""
    write, count = places.write, 0

    def watched(*given: Any, **named: Any) -> None:
        nonlocal count
        strikes, count = count == fault.at, count + 1
        if strikes and not fault.after:
            done.touch()
            COORDINATOR[fault.action]()
        write(*given, **named)
        if strikes and fault.after:
            done.touch()
            COORDINATOR[fault.action]()

    places.write = watched


# ---------------------------------------------------------------- a command


def _command(folder: Path, words: list[str], fault: Fault, seconds: float) -> int:
    """Runs a command in a process of its own. Returns its exit code, negative if a signal ended it. After so many seconds it
    hangs."""
    (folder / FAULT).write_bytes(msgspec.json.encode(fault))
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            code = _inside(folder, words, fault)
        finally:
            os._exit(code)
    return _exit_code(pid, seconds)


def _inside(folder: Path, words: list[str], fault: Fault) -> int:
    output = os.open(folder / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    sys.stdout, sys.stderr = (os.fdopen(descriptor, "w", closefd=False) for descriptor in (1, 2))
    os.environ["TMPDIR"] = str(folder / "temporary")
    setattr(local, "ThisMachine", functools.partial(local.ThisMachine, entry=ENTRY))  # noqa: B010
    dispatch.STOP_SECONDS = 1.0
    if fault.action in COORDINATOR:
        _watch(fault, folder / DONE)
    return main(words)


def _exit_code(pid: int, seconds: float) -> int:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise TimeoutError(f"the command hung for {seconds:g} s")


def _processes(folder: Path) -> list[int]:
    """Those that work below this folder: hosts, workers, and what they started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                where = str((entry / "cwd").readlink())
            except OSError:
                continue
            if where.removesuffix(" (deleted)").startswith(f"{folder}/") and alive(int(entry.name)):
                found.append(int(entry.name))
    return found


def _orphans(folder: Path) -> list[int]:
    limit = time.monotonic() + PATIENCE
    while (left := _processes(folder)) and time.monotonic() < limit:
        time.sleep(0.02)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    return left


# ---------------------------------------------------------------- a fault, and what must hold


def drawn(random_: random.Random, ground: Ground, action: str = "") -> Fault:
    """A fault of any kind, or of the one that is named."""
    ranks = [job for job in ground.jobs if "torch_ddp" in job]
    actions = [name for name in (*WORKER, *COORDINATOR) if name not in SLOW and (ranks or name != OF_RANKS)]
    action = action or (random_.choice(SLOW) if random_.random() < 0.05 else random_.choice(actions))
    at = random_.choice([random_.randrange(4), random_.randrange(FILES if action in WORKER else FILES // 2)])
    job = random_.choice(ranks if action == OF_RANKS else ground.jobs) if action in WORKER else ""
    return Fault(action=action, job=job, at=at, after=random_.random() < 0.5, again=random_.random() < 0.3)


def strike(ground: Ground, fault: Fault, folder: Path, *, finished: bool, removed: str = "") -> tuple[bool, list[str]]:
    """Whether the fault happened, and what went wrong that must not, as sentences. `finished`: it strikes a run folder that
    lacks only what is `removed`."""
    ground.copy(folder, finished=finished)
    (folder / "temporary").mkdir()
    if removed:
        places.clear(folder / "run", removed)
    extra = ("--timeout", str(EVERY_KIND[ground.kind].timeout)) if fault.action in SLOW else ()
    try:
        wrong = list(_struck(ground, fault, folder, extra))
        wrong += _after(ground, folder)
    except TimeoutError as error:
        wrong = [str(error)]
    if orphans := _orphans(folder):
        wrong.append(f"{len(orphans)} processes survived")
    if left := sorted(path.name for path in (folder / "temporary").iterdir() if not path.name.startswith(CACHE_OF_TORCH)):
        wrong.append(f"the temporary directory holds {left}")
    happened = (folder / DONE).exists()
    if not wrong:
        shutil.rmtree(folder)
    return happened, wrong


def _struck(ground: Ground, fault: Fault, folder: Path, extra: tuple[str, ...]) -> Iterator[str]:
    """The command that is struck."""
    results = folder / "run" / "results.json"
    results.unlink(missing_ok=True)
    code = _command(folder, grounds.arguments(folder, ground.kind, *extra), fault, _limit(ground))
    if left := _orphans(folder):
        yield f"{len(left)} processes survived the command"
    allowed = _allowed(ground, fault)
    if code not in allowed:
        yield f"the exit code is {code}, wanted one of {sorted(allowed)}"
    if code in (0, 1, 2) and results.exists():
        yield from grounds.changed(ground.verdicts, _verdicts(folder), code, ground.code)
    elif (folder / "run" / "session.json").exists():
        yield from _shown(ground, folder)


def _limit(ground: Ground) -> float:
    return EVERY_KIND[ground.kind].limit


def _allowed(ground: Ground, fault: Fault) -> set[int]:
    interrupted = {INTERRUPTED} if fault.action in ("coordinator interrupted", "command interrupted") else set()
    return {ground.code, 2} | interrupted | {int(code) for name, code in BY_SIGNAL.items() if name == fault.action}


def _shown(ground: Ground, folder: Path) -> Iterator[str]:
    """What has run so far can be shown, and is no success unless everything has run."""
    code = _command(folder, ["report", "--out", str(folder / "run")], NEVER, _limit(ground))
    if code not in (2, ground.code):
        yield f"`parity report` of what is left ends with {code}"
    elif (folder / "run" / "results.json").exists():
        yield from grounds.changed(ground.verdicts, _verdicts(folder), code, ground.code)


def _after(ground: Ground, folder: Path) -> Iterator[str]:
    """The next command finishes, and comes to what the clean one came to."""
    code = _command(folder, grounds.arguments(folder, ground.kind), NEVER, _limit(ground))
    if code != ground.code:
        yield f"the next command ends with {code}, wanted {ground.code}"
    elif (now := _verdicts(folder)) != ground.verdicts:
        yield from grounds.changed(ground.verdicts, now, code, ground.code) or ["the next command has other members"]


def _verdicts(folder: Path) -> Verdicts:
    return grounds.verdicts(grounds.written(folder / "run"))


Attacked = Iterator[tuple[str, str, list[str]]]


def campaign(folder: Path, seed: int, count: int) -> Attacked:
    """The kind of each fault, what it was, and what went wrong."""
    return _campaign(folder, seed, count, KINDS)


def on_backends(folder: Path, seed: int, count: int) -> Attacked:
    """The same on the real backends, where a fault takes the better part of a minute."""
    return _campaign(folder, seed, count, ON_BACKENDS)


def killed_ranks(folder: Path, seed: int, count: int) -> Attacked:
    """A rank of torch DDP is killed each time."""
    return _campaign(folder, seed, count, {WITH_RANKS: ON_BACKENDS[WITH_RANKS]}, OF_RANKS)


def _campaign(folder: Path, seed: int, count: int, kinds: Mapping[str, Kind], action: str = "") -> Attacked:
    drawing = random.Random(seed)
    for number in range(count):
        kind = drawing.choice(list(kinds))
        ground = grounds.ground(folder / "grounds", kind)
        fault = drawn(drawing, ground, action)
        finished = drawing.random() < 0.4
        removed = _of_job(ground, fault.job or drawing.choice(ground.jobs)) if finished else ""
        place = folder / f"fault-{seed}-{number}"
        happened, wrong = strike(ground, fault, place, finished=finished, removed=removed)
        yield (
            fault.action if happened else "none: the command had ended before",
            f"{kind} {fault} {removed} in {place}",
            wrong,
        )


def _of_job(ground: Ground, job: str) -> str:
    """A folder that the job makes anew if it is gone."""
    kind, _, name = job.partition("/")
    if kind == "probe":
        return f"probes/{name}"
    if kind == "prepare":
        return f"inputs/{name}"
    if kind == "reload":
        scenario, environment, precision = name.split("/")
        plain = "plain-float64" if precision == "float64" else "plain"
        strategy = "single-x1" if ground.kind in ON_BACKENDS else "fake-x1"
        return f"runs/{scenario}/{environment}/{strategy}/{plain}/reload/{environment}"
    return f"runs/{name}"
