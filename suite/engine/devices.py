"""Which GPUs this machine has, asked of the driver and not of a framework."""

from __future__ import annotations

import os
import shutil
import subprocess


class NoGpu(ValueError):
    """GPUs were asked for and there are none."""


def detect_gpus() -> tuple[str, ...]:
    """The names of the NVIDIA GPUs that CUDA_VISIBLE_DEVICES leaves visible; empty if there are none."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return ()
    query = [command, "--query-gpu=name", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    names = tuple(line.strip() for line in answer.stdout.splitlines() if line.strip()) if answer.returncode == 0 else ()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return names
    chosen = [one.strip() for one in visible.split(",") if one.strip() and one.strip() != "-1"]
    return tuple(names[int(one)] if one.isdigit() and int(one) < len(names) else one for one in chosen) if names else ()


def resolve(device: str, gpus: tuple[str, ...]) -> str:
    """ "cpu" or "gpu" for "auto", "cpu" or "gpu".

    Raises:
        NoGpu: "gpu" was asked for and there is none. It never falls back.
    """
    if device == "auto":
        return "gpu" if gpus else "cpu"
    if device == "gpu" and not gpus:
        raise NoGpu(
            "--device gpu, but nvidia-smi shows no GPU: check the driver and CUDA_VISIBLE_DEVICES, or give --device cpu"
        )
    return device
