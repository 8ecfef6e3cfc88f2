"""A worker's entry for tests: the job's scenario names what it does. It notes in the run folder what it saw."""

from __future__ import annotations

import contextlib
import ctypes
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from suite.artifacts import names
from suite.artifacts.store import Store
from suite.runner import outcome, ranks


def main(job_file: str) -> None:
    job = json.loads(Path(job_file).read_text())
    began = time.time()
    what, *arguments = job["scenario"].split("-")
    notes = Path(job["run_folder"])
    try:
        globals()["do_" + what](notes, *arguments)
    finally:
        gpus = os.environ["CUDA_VISIBLE_DEVICES"]
        note = {"job": job["scenario"], "began": began, "ended": time.time(), "cores": job["cores"], "gpus": gpus}
        note["node"] = os.environ.get("PARITY_NODE", "")
        with (notes / "notes").open("a") as stream:
            stream.write(json.dumps(note) + "\n")


def do_fine(notes: Path, *_: str) -> None:
    pass


def do_sleep(notes: Path, seconds: str, *_: str) -> None:
    time.sleep(float(seconds))


def do_runs(notes: Path, number: str, seconds: str, *_: str) -> None:
    """Begins and finishes a run again and again."""
    manifest = Store(notes).inputs(f"runs-{number}-{seconds}").folder / names.MANIFEST
    manifest.parent.mkdir(parents=True)
    for _run in range(int(number)):
        time.sleep(float(seconds))
        manifest.write_text(str(time.time()))


def do_raise(notes: Path, *_: str) -> None:
    print("about to raise")
    raise ValueError("the first line\n\nthe second " + "x" * 1000)


def do_able(notes: Path, *_: str) -> None:
    if "ABLE" not in os.environ:
        raise ValueError("this environment cannot do it")


def do_unsupported(notes: Path, *_: str) -> None:
    raise outcome.Unsupported("JAX 0.10.2 has no such thing")


def do_nodevices(notes: Path, *_: str) -> None:
    raise outcome.NoDevices("sees 0 GPU(s), 1 wanted")


def do_fail(notes: Path, *_: str) -> None:
    outcome.fail("rank 1 of torch DDP failed: ValueError: no")


def do_gpu(notes: Path, gibibytes: str, seconds: str = "0.3", *_: str) -> None:
    """Takes memory of a GPU of 16 GiB which other jobs take memory of, too, and has too little if they do."""
    needed, here = int(gibibytes), notes / f"on-gpu-{os.environ['CUDA_VISIBLE_DEVICES']}"
    here.mkdir(exist_ok=True)
    mine = here / str(os.getpid())
    mine.write_text(gibibytes)
    time.sleep(float(seconds))
    used = 0
    for other in here.iterdir():
        with contextlib.suppress(FileNotFoundError):  # it has ended in between
            used += int(other.read_text() or 0)
    mine.unlink()
    if used > 16:
        raise RuntimeError(f"CUDA out of memory. Tried to allocate {needed}.00 GiB")
    outcome.complete({"reserved": (needed - 1) << 30, "used": used << 30, "total": 16 << 30})


def do_lost(notes: Path, gpu: str, *_: str) -> None:
    """On this GPU only."""
    if os.environ["CUDA_VISIBLE_DEVICES"] == gpu:
        raise RuntimeError("CUDA error: uncorrectable ECC error encountered")


def do_exit(notes: Path, *_: str) -> None:
    sys.exit("the scenario said goodbye")


def do_vanish(notes: Path, *_: str) -> None:
    os._exit(7)


def do_quit(notes: Path, *_: str) -> None:
    os._exit(0)


def do_crash(notes: Path, when: str = "always", *_: str) -> None:
    """In every attempt, or only in the first; leaves which host each attempt had."""
    attempts = notes / "attempts"
    with attempts.open("a") as stream:
        stream.write(f"{os.getppid()}\n")
    print(f"attempt {len(attempts.read_text().splitlines())}")
    if when == "always" or len(attempts.read_text().splitlines()) == 1:
        ctypes.string_at(0)


def do_rank(notes: Path, number: str, *_: str) -> None:
    """As DDP: a process of the job dies of a signal while the leader waits for it in a collective."""
    rank = multiprocessing.get_context("fork").Process(target=signal.raise_signal, args=(int(number),))
    rank.start()
    ranks._end_if_one_fails([rank], notes, "torch DDP")
    time.sleep(1000)


def do_killed(notes: Path, *_: str) -> None:
    os.kill(os.getpid(), 9)


def do_hang(notes: Path, *_: str) -> None:
    """With a forked process, as DDP has them, and a foreign one in a group of its own."""
    rank = multiprocessing.get_context("fork").Process(target=time.sleep, args=(1000,))
    rank.start()
    foreign = subprocess.Popen(["sleep", "1000"], process_group=0)
    _write_pids(notes, [os.getppid(), os.getpid(), rank.pid, foreign.pid])
    rank.join()


def do_litter(notes: Path, *_: str) -> None:
    """Ends well, and leaves a process behind."""
    _write_pids(notes, [subprocess.Popen(["sleep", "1000"], process_group=0).pid])


def do_meet(notes: Path, *_: str) -> None:
    """Is killed while it has a temporary folder."""
    with Store(notes).temporary():
        os.kill(os.getpid(), 9)


def do_orphan(notes: Path, *_: str) -> None:
    """Is killed, and leaves a process in a session of its own, and one whose parent has ended before."""
    child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    listening, answering = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if pid := os.fork():
            os.write(answering, str(pid).encode())
            os._exit(0)
        time.sleep(1000)
    os.waitpid(-1, 0)
    _write_pids(notes, [child.pid, int(os.read(listening, 100))])
    os.kill(os.getpid(), 9)


def do_noise(notes: Path, *_: str) -> None:
    for number in range(2000):
        print('{"ready": true}', number)
    os.write(1, b'{"ended": "me"}\n' * 2000)
    subprocess.run(["echo", "from a child process"], check=True)
    os.write(2, b"last words without an end of line")


def _write_pids(notes: Path, pids: list[int | None]) -> None:
    partial = notes / f".pids-{os.getpid()}"  # jobs write at the same time
    partial.write_text(json.dumps(pids))
    partial.rename(notes / f"pids-{os.getpid()}")
