"""Run folders of backends that train the kernel to different numbers, and where single steps of their oracles part."""

from __future__ import annotations

from pathlib import Path

from suite.records import Run
from tests.explain.run_folders import Folder, oracle, steps_of

APART = 1e-3
CLOSE = 1e-11


def folder(path: Path, **kernels: float) -> Folder:
    """Environments that train the kernel to these numbers, in runs and oracles alike."""
    made = Folder(path, list(kernels))
    made.all_trained(kernels)
    return made


def parted(path: Path, stages: dict[str, float], **kernels: float) -> Folder:
    """The same, where a step of each oracle is 1 everywhere, but for the last environment, whose differs by these."""
    made = folder(path, **kernels)
    last = list(kernels)[-1]
    for name in kernels:
        off = stages if name == last else dict.fromkeys(stages, 0.0)
        made.stepped(steps_of(oracle(name)), {stage: 1.0 + size for stage, size in off.items()})
    return made


def further(made: Folder) -> set[Run]:
    return set(made.backends().further())
