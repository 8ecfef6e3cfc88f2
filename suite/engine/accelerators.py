"""Accelerators that are not supported yet: found, so that none is mistaken for a machine without any. Asks no framework."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

DEVICES = Path("/dev")
ANSWER_SECONDS = 10
TPU_VARIABLES = ("TPU_NAME", "TPU_ACCELERATOR_TYPE", "TPU_WORKER_ID")  # set on Google's machines that have TPUs


def unsupported() -> str:
    """What is there that the suite cannot use, as the beginning of a sentence; empty if there is nothing."""
    return next((found for detect in DETECTORS if (found := detect())), "")


def _amd() -> str:
    """ROCm's driver and one of its two programs, which exits with 0 where there is no GPU, too."""
    if not (DEVICES / "kfd").exists():
        return ""
    for program in ("rocm-smi", "amd-smi"):
        if (command := shutil.which(program)) and _answers([command]):
            return f"{program} shows an AMD GPU (ROCm)"
    return ""


def _apple() -> str:
    is_apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    return "this is an Apple processor, whose GPU needs Metal (MPS)" if is_apple else ""


def _tpu() -> str:
    """The chips as devices, or the variables that Google sets. A `libtpu` alone is no sign: it is a package. Nor is a
    device of vfio alone: that is how virtual machines get any hardware, and newer TPUs."""
    chips = sorted(path.name for path in DEVICES.glob("accel[0-9]*"))
    if not chips and importlib.util.find_spec("libtpu") is not None:
        chips = sorted(f"vfio/{path.name}" for path in (DEVICES / "vfio").glob("[0-9]*"))
    if chips:
        return f"/dev/{chips[0]} is a TPU"
    named = next((name for name in TPU_VARIABLES if os.environ.get(name)), "")
    return f"{named} is set, as on a machine with a TPU" if named else ""


def _answers(command: list[str]) -> bool:
    try:
        answer = subprocess.run(command, capture_output=True, timeout=ANSWER_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


DETECTORS: tuple[Callable[[], str], ...] = (_amd, _apple, _tpu)
