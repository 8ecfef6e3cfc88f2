"""Faults of a Ray cluster while a command runs on it: nodes, actors, hosts and jobs that are killed, nodes that are cut off,
disks that are full. Each struck command, and the command after it, are judged against the clean one. Needs Ray."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from tests.campaign import disks, faults
from tests.campaign import ground as grounds
from tests.campaign.ground import KINDS, Ground
from tests.engine.ray.simulated import TOKEN_VARIABLES, Simulated, simulated
from tests.processes import alive

NODES, CPUS = 3, 2
ROOT = Path(__file__).resolve().parents[2]
LIMIT = 240.0  # seconds for a command: Ray takes its time to notice that a node has gone
BEGINS = 60.0  # seconds within which a command has its first job
PATIENCE = (
    60.0  # seconds within which every host must be gone, also of a node that was cut off, and has not heard of its end
)
LASTS = 6.0  # seconds of jobs within which a fault strikes


def campaign(folder: Path, seed: int, count: int) -> faults.Attacked:
    """The kind of each fault, what it was, and what went wrong."""
    os.environ.update(TOKEN_VARIABLES)
    drawing = random.Random(seed)
    for number in range(count):
        ground = grounds.ground(folder / "grounds", drawing.choice(list(KINDS)))
        fault, shared, after = drawing.choice(list(FAULTS)), drawing.random() < 0.5, drawing.uniform(0.0, LASTS)
        place = ground.copy(folder / f"cluster-{seed}-{number}", finished=False)
        (place / "temporary").mkdir()
        with simulated(NODES, cpus=CPUS) as cluster:
            happened, wrong = _struck(ground, place, cluster, fault, after, shared=shared)
        wrong += faults._after(ground, place)
        if not wrong:
            shutil.rmtree(place)
        kind = fault if happened else "none: the command had ended before"
        yield kind, f"{ground.kind} {fault} after {after:.2f} s, {shared=} in {place}", wrong


def _struck(
    ground: Ground, place: Path, cluster: Simulated, fault: str, after: float, *, shared: bool
) -> tuple[bool, list[str]]:
    """Whether the fault happened while the command ran; and what went wrong that must not, as sentences."""
    run = place / "run"
    words = [*grounds.arguments(place, ground.kind), "--engine", "ray", "--ray-address", cluster.address]
    words += ["--shared", str(place)] if shared else []
    with contextlib.ExitStack() as stack, (place / "output").open("w") as output:
        if fault == FULL:
            stack.enter_context(disks._mounted(run, "size=400k"))
        process = subprocess.Popen(
            [sys.executable, "-m", "suite", *words], stdout=output, stderr=output, cwd=place,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(place / "temporary")},
        )  # fmt: skip
        _wait(process, lambda: bool(list(run.glob("logs/*"))), BEGINS)
        _wait(process, lambda: False, after)
        happened = process.poll() is None and FAULTS[fault](cluster, random.Random(after))
        try:
            code = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            return happened, [f"the command hung for {LIMIT:g} s"]
        finally:
            for pid in _tree(cluster):  # what was cut off goes on
                os.kill(pid, signal.SIGCONT)
        if fault == FULL:  # there is space again, and it holds what was written
            kept = place / "kept"
            shutil.copytree(run, kept)
    if fault == FULL:
        run.rmdir()
        kept.rename(run)
    wrong = list(_said(ground, place, code))
    limit = time.monotonic() + PATIENCE
    while (left := [pid for pid in _hosts() if alive(pid)]) and time.monotonic() < limit:
        time.sleep(0.1)
    if left:
        wrong.append(f"{len(left)} hosts survived")
    return happened, wrong


def _said(ground: Ground, place: Path, code: int) -> Iterator[str]:
    if code not in (2, ground.code):
        yield f"the exit code is {code}, wanted 2 or {ground.code}"
    if "Traceback" in (place / "output").read_text():
        yield "there is a traceback"
    if (place / "run" / "results.json").exists():
        yield from grounds.changed(ground.verdicts, faults._verdicts(place), code, ground.code)


def _wait(process: subprocess.Popen[bytes], until: Callable[[], bool], seconds: float) -> None:
    limit = time.monotonic() + seconds
    while process.poll() is None and not until() and time.monotonic() < limit:
        time.sleep(0.01)


# ---------------------------------------------------------------- what can happen


def _killed(cluster: Simulated, drawing: random.Random, mark: str) -> bool:
    """A process of a node with this in its command line, other than those that wait to be used."""
    found = [pid for pid in _tree(cluster) if mark in (words := _words(pid)) and "IDLE" not in words]
    if found:
        os.kill(drawing.choice(found), signal.SIGKILL)
    return bool(found)


def _node_killed(cluster: Simulated, drawing: random.Random) -> bool:
    cluster.remove(drawing.randrange(1, NODES))
    return True


def _actor_killed(cluster: Simulated, drawing: random.Random) -> bool:
    return _killed(cluster, drawing, "ray::")


def _host_killed(cluster: Simulated, drawing: random.Random) -> bool:
    """Of a warm host, or of a job that it has forked: these have the same command line."""
    return _killed(cluster, drawing, "suite.runner.host")


def _cut_off(cluster: Simulated, drawing: random.Random) -> bool:
    """A node that answers nobody any more: all of its processes stand still."""
    nodes = [pid for pid in _tree(cluster) if "raylet/raylet" in _words(pid).partition(" ")[0]]
    for node in [drawing.choice(nodes[1:])] if len(nodes) > 1 else ():  # the first one is the head
        for pid in [node, *(child.pid for child in psutil.Process(node).children(recursive=True))]:
            os.kill(pid, signal.SIGSTOP)
    return len(nodes) > 1


FULL = "disk full"
FAULTS: dict[str, Callable[[Simulated, random.Random], bool]] = {
    "node killed": _node_killed,
    "actor killed": _actor_killed,
    "host or job killed": _host_killed,
    "node cut off": _cut_off,
    FULL: lambda cluster, drawing: True,
}


def _tree(cluster: Simulated) -> list[int]:
    """Every process of the cluster, in the order in which they were made."""
    with contextlib.suppress(psutil.Error):
        every = psutil.Process(cluster.process.pid).children(recursive=True)
        return [one.pid for one in sorted(every, key=lambda one: one.pid)]
    return []


def _hosts() -> list[int]:
    """Every host of a simulated node, and its jobs."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "suite.runner.host" in process.cmdline() and "PARITY_NODE" in process.environ():
                found.append(process.pid)
    return found


def _words(pid: int) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(psutil.Process(pid).cmdline())
    return ""
