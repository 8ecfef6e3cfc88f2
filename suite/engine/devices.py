"""Which GPUs this machine has, asked of the driver and not of a framework."""

from __future__ import annotations

import os
import shutil
import subprocess

from suite.engine import accelerators
from suite.records import UnavailableDevice

DRIVER_SECONDS = 30  # a driver that has lost a GPU can take this long to say so
FULL_IDENTIFIER = len("GPU-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")  # the driver takes no shorter one, CUDA does


def detect_gpus() -> tuple[str, ...]:
    """The names of the NVIDIA GPUs that CUDA_VISIBLE_DEVICES leaves visible, in its order; empty if there are none."""
    return _visible(_query("name"))


def used_memory() -> tuple[int, ...]:
    """Bytes of each visible GPU that are in use now; empty if the driver does not say, as for instances of a GPU."""
    answers = _query("memory.used")
    if "MIG-" in os.environ.get("CUDA_VISIBLE_DEVICES", ""):
        return ()
    amounts = [answer.removesuffix("MiB").strip() for answer in answers]
    return tuple(int(amount) * 2**20 for amount in _visible(tuple(amounts))) if all(map(str.isdigit, amounts)) else ()


def forbids_sharing() -> bool:
    """Whether an administrator lets only one process use a visible GPU (compute mode "Exclusive_Process")."""
    return any(mode.startswith("Exclusive") for mode in _visible(_query("compute_mode")))


def answers(gpu: str) -> bool:
    """Whether the driver still knows a GPU, by its name in CUDA_VISIBLE_DEVICES. True if nobody can be asked."""
    command = shutil.which("nvidia-smi")
    if command is None or not (_is_index(gpu) or len(gpu) == FULL_IDENTIFIER):
        return True
    try:
        question = [command, f"--id={gpu}", "--query-gpu=uuid", "--format=csv,noheader"]
        answer = subprocess.run(question, capture_output=True, text=True, timeout=DRIVER_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and "GPU-" in answer.stdout


def _visible(of_each: tuple[str, ...]) -> tuple[str, ...]:
    """Of one answer for each GPU of the machine, those of the GPUs that CUDA_VISIBLE_DEVICES leaves visible."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None or not of_each:
        return of_each
    chosen: list[str] = []
    identifiers = () if all(_is_index(one) for one in visible.split(",")) else _query("uuid")
    for one in (part.strip() for part in visible.split(",")):
        found = _index(one, len(of_each), identifiers)
        if found is None:  # as CUDA does: what follows an entry that names no device is not visible
            break
        chosen.append(of_each[found])
    return tuple(chosen)


def _query(field: str) -> tuple[str, ...]:
    """One answer of the driver for each GPU; nothing if there is no driver, or it has no answer."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return ()
    query = [command, f"--query-gpu={field}", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=DRIVER_SECONDS, check=False)
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
        UnavailableDevice: "gpu" was asked for and there is none that is supported. It never falls back.
    """
    if device == "auto":
        return "gpu" if gpus else "cpu"
    if device == "gpu" and not gpus:
        if other := accelerators.unsupported():
            raise UnavailableDevice(f"--device gpu, but {other}, which is not supported yet: give --device cpu")
        raise UnavailableDevice(
            "--device gpu, but nvidia-smi shows no GPU: check the driver and CUDA_VISIBLE_DEVICES, or give --device cpu"
        )
    return device


def passed_over(device: str, gpus: tuple[str, ...]) -> str:
    """One line for "auto" on a machine whose accelerator is not supported; empty if nothing is to be said."""
    other = accelerators.unsupported() if device == "auto" and not gpus else ""
    return f"--device auto takes the CPU: {other}, which is not supported yet" if other else ""
