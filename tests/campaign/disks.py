"""Disks that are really full: run folders on small file systems in memory, which only root can mount (Linux)."""

from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.campaign import faults
from tests.campaign import ground as grounds
from tests.campaign.ground import Ground

KIND = "different"  # so that a success would be a pass by accident
LARGE = "size=64m,nr_inodes=100000"  # enough for all that a comparison writes
KIBIBYTES, INODES = (40, 1000), (10, 330)  # of which a comparison needs some 900 and 300


def campaign(folder: Path, seed: int, count: int) -> Iterator[tuple[str, str, list[str]]]:
    """The kind of each limit, what it was, and what went wrong."""
    drawing = random.Random(seed)
    ground = grounds.ground(folder / "grounds", KIND)
    for number in range(count):
        kind, limit = drawing.choice(
            [
                ("no space", f"size={drawing.randrange(*KIBIBYTES)}k"),
                ("no inodes", f"size=64m,nr_inodes={drawing.randrange(*INODES)}"),
            ]
        )
        place = ground.copy(folder / f"disk-{seed}-{number}", finished=False)
        (place / "temporary").mkdir()
        with _mounted(place / "run", limit):
            wrong = list(_filled(ground, place))
        shutil.rmtree(place)
        yield kind, limit, wrong


@contextlib.contextmanager
def _mounted(folder: Path, limit: str) -> Iterator[None]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", limit, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _filled(ground: Ground, place: Path) -> Iterator[str]:
    """A command whose disk becomes full, and the same command when there is space again."""
    words = grounds.arguments(place, KIND)
    code = faults._command(place, words, faults.NEVER, grounds.EVERY_KIND[KIND].limit)
    if code not in (2, ground.code):
        yield f"the exit code is {code}, wanted 2, or {ground.code} if there was space for everything"
    if "Traceback" in (place / "output").read_text():
        yield "there is a traceback"
    subprocess.run(["mount", "-o", f"remount,{LARGE}", place / "run"], check=True)
    yield from faults._after(ground, place)
