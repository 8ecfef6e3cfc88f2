"""What this process has done with the GPU's driver. Standard library only: the host asks before and after its imports.

CUDA does not survive a fork: once a process has called `cuInit`, every call of its forked children answers
CUDA_ERROR_NOT_INITIALIZED. So a host that forks must never have called it, and a forked job can tell whether it has.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import sys
from pathlib import Path

LIBRARY = "libcuda.so"
NOT_INITIALIZED = 3  # CUDA_ERROR_NOT_INITIALIZED, of the driver's documentation

# backend -> a module that the import of the backend has loaded, and its function that tells whether a device was touched.
# JAX has no public one, so the name is looked for. TensorFlow initializes CUDA nowhere but in the driver, which is
# asked too.
TOUCHED = {"torch": ("torch.cuda", "is_initialized"), "jax": ("jax._src.xla_bridge", "backends_are_initialized")}


def initialized(backend: str) -> str:
    """What in this process must not be forked, in words; empty if nothing is. Initializes nothing, loads nothing."""
    if path := _loaded():
        library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        if library.cuDeviceGetCount(ctypes.byref(ctypes.c_int())) != NOT_INITIALIZED:
            return f"the imports of {backend} initialized CUDA ({Path(path).name})"
    module, function = TOUCHED.get(backend, ("", ""))
    if module in sys.modules and getattr(importlib.import_module(module), function, lambda: False)():
        return f"the imports of {backend} initialized a device ({module}.{function})"
    return ""


def spoiled() -> str:
    """Why CUDA cannot be used in this process, if the reason is that it was forked too late; else empty. Initializes
    CUDA."""
    with contextlib.suppress(OSError):
        if ctypes.CDLL(_loaded() or f"{LIBRARY}.1").cuInit(0) == NOT_INITIALIZED:
            return "CUDA was initialized before this process was forked"
    return ""


def memory() -> tuple[int, int] | None:
    """Of the first visible GPU: bytes that all processes together hold, and all there are. None if this process has not
    initialized it. Initializes nothing."""
    if not (path := _loaded()):
        return None
    library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    device, flags, active = ctypes.c_int(), ctypes.c_uint(), ctypes.c_int()
    if library.cuDeviceGet(ctypes.byref(device), 0) or library.cuDevicePrimaryCtxGetState(
        device, ctypes.byref(flags), ctypes.byref(active)
    ):
        return None
    # All three backends work in the primary context. It is current in their threads, which need not be this one.
    context, free, total = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_size_t()
    if not active.value or library.cuDevicePrimaryCtxRetain(ctypes.byref(context), device):
        return None
    try:
        if library.cuCtxPushCurrent_v2(context):
            return None
        failed = library.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total))
        library.cuCtxPopCurrent_v2(ctypes.byref(context))
    finally:
        library.cuDevicePrimaryCtxRelease_v2(device)
    return None if failed else (total.value - free.value, total.value)


def total_memory() -> int:
    """Bytes of the first visible GPU; 0 if the driver does not say. Initializes CUDA, but no device."""
    device, total = ctypes.c_int(), ctypes.c_size_t()
    with contextlib.suppress(OSError):
        library = ctypes.CDLL(_loaded() or f"{LIBRARY}.1")
        if not library.cuInit(0) and not library.cuDeviceGet(ctypes.byref(device), 0):
            library.cuDeviceTotalMem_v2(ctypes.byref(total), device)
    return total.value


def _loaded() -> str:
    """The driver library that is loaded into this process; empty if there is none, or no /proc to ask."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return ""
    paths = (line.split(maxsplit=5)[-1] for line in lines if LIBRARY in line)
    return next((path for path in paths if Path(path).name.startswith(LIBRARY)), "")
