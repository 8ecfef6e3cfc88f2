"""Which GPUs this machine has, asked of the driver and not of a framework."""

from __future__ import annotations

import os
import shutil
import subprocess

from suite.records import UnavailableDevice


def detect_gpus() -> tuple[str, ...]:
    """The names of the NVIDIA GPUs that CUDA_VISIBLE_DEVICES leaves visible, in its order; empty if there are none."""
    names = _query("name")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None or not names:
        return names
    chosen: list[str] = []
    identifiers = () if all(_is_index(one) for one in visible.split(",")) else _query("uuid")
    for one in (part.strip() for part in visible.split(",")):
        found = _index(one, len(names), identifiers)
        if found is None:  # as CUDA does: what follows an entry that names no device is not visible
            break
        chosen.append(names[found])
    return tuple(chosen)


def _query(field: str) -> tuple[str, ...]:
    """One answer of the driver for each GPU; nothing if there is no driver, or it has no answer."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return ()
    query = [command, f"--query-gpu={field}", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(line.strip() for line in answer.stdout.splitlines() if line.strip()) if answer.returncode == 0 else ()


def _is_index(entry: str) -> bool:
    return entry.strip().lstrip("-").isdigit()


def _index(entry: str, count: int, identifiers: tuple[str, ...]) -> int | None:
    """Which GPU an entry of CUDA_VISIBLE_DEVICES names: by index, or by the start of its identifier."""
    if _is_index(entry):
        return int(entry) if 0 <= int(entry) < count else None
    if entry.startswith("MIG-"):  # an instance of a GPU that only the driver knows; the machine's GPUs are of one kind
        return 0
    return next((index for index, one in enumerate(identifiers) if entry and one.startswith(entry)), None)


def resolve(device: str, gpus: tuple[str, ...]) -> str:
    """ "cpu" or "gpu" for "auto", "cpu" or "gpu".

    Raises:
        UnavailableDevice: "gpu" was asked for and there is none. It never falls back.
    """
    if device == "auto":
        return "gpu" if gpus else "cpu"
    if device == "gpu" and not gpus:
        raise UnavailableDevice(
            "--device gpu, but nvidia-smi shows no GPU: check the driver and CUDA_VISIBLE_DEVICES, or give --device cpu"
        )
    return device
