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
    path, library = _loaded()
    if library is not None and library.cuDeviceGetCount(ctypes.byref(ctypes.c_int())) != NOT_INITIALIZED:
        return f"the imports of {backend} initialized CUDA ({Path(path).name})"
    module, function = TOUCHED.get(backend, ("", ""))
    if module in sys.modules and getattr(importlib.import_module(module), function, lambda: False)():
        return f"the imports of {backend} initialized a device ({module}.{function})"
    return ""


def spoiled() -> str:
    """Why CUDA cannot be used in this process, if the reason is that it was forked too late; else empty. Initializes
    CUDA."""
    with contextlib.suppress(OSError):
        if _library().cuInit(0) == NOT_INITIALIZED:
            return "CUDA was initialized before this process was forked"
    return ""


def memory() -> tuple[int, int] | None:
    """Of the first visible GPU: bytes that all processes together hold, and all there are. None if this process has not
    initialized it. Initializes nothing."""
    _, library = _loaded()
    if library is None:
        return None
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
        library = _library()
        if not library.cuInit(0) and not library.cuDeviceGet(ctypes.byref(device), 0):
            library.cuDeviceTotalMem_v2(ctypes.byref(total), device)
    return total.value


def _library() -> ctypes.CDLL:
    """The driver library, loaded if it is not yet. Raises OSError if there is none."""
    _, library = _loaded()
    return library or ctypes.CDLL(f"{LIBRARY}.1")


def _loaded() -> tuple[str, ctypes.CDLL | None]:
    """The driver library that is loaded into this process, and its path; none if there is none, or no /proc to ask."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return "", None
    paths = (line.split(maxsplit=5)[-1] for line in lines if LIBRARY in line)
    path = next((path for path in paths if Path(path).name.startswith(LIBRARY)), "")
    # The path may not be there any more, as after an update of the driver: the library's own name finds it, too.
    for name in (path, f"{LIBRARY}.1") if path else ():
        with contextlib.suppress(OSError):
            return path, ctypes.CDLL(name, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    return path, None
