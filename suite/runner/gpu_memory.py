"""How much memory of its GPU a job has taken, for the engine, which decides how many jobs share one."""

from __future__ import annotations

import os
import sys

from suite.runner import driver


def report() -> dict[str, int] | None:
    """What `suite.engine.gpus.Memory` holds, in bytes; None if this process has used no GPU. Call it when the job has
    ended."""
    found = driver.memory()
    if found is None:
        return None
    used, total = found
    return {"reserved": reserved(os.environ.get("KERAS_BACKEND", "")), "used": used, "total": total}


def reserved(backend: str) -> int:
    """The most bytes that the allocator of the backend has held; 0 if it does not say, or was not imported.

    PyTorch counts what it has taken from the driver; JAX its pool, where its allocator has one; TensorFlow only what tensors
    held.
    """
    return _ALLOCATORS[backend]() if backend in _ALLOCATORS and backend in sys.modules else 0


def _torch() -> int:
    import torch

    return int(torch.cuda.max_memory_reserved()) if torch.cuda.is_initialized() else 0


def _jax() -> int:
    import jax

    gpus = [device for device in jax.local_devices() if device.platform == "gpu"]
    statistics = (gpus[0].memory_stats() or {}) if gpus else {}
    return int(statistics.get("peak_pool_bytes") or statistics.get("peak_bytes_in_use") or 0)


def _tensorflow() -> int:
    import tensorflow as tf

    gpus = tf.config.list_logical_devices("GPU")
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"]) if gpus else 0


_ALLOCATORS = {"torch": _torch, "jax": _jax, "tensorflow": _tensorflow}
