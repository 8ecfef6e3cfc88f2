"""What a run really ran on: versions, devices, threads, precision and determinism flags, jit. All as text."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from suite.records import OWN, TRAINING_STEP, Job
from suite.runner import models

PROCESS = "PARITY_PROCESS"  # the variable that a host sets for a job that it does not fork, with the reason
PACKAGES = ("keras", "numpy", "tensorflow", "tensorflow-cpu", "jax", "jaxlib", "torch")


def gather(model: Any, job: Job) -> dict[str, str]:
    """Facts of this process, after training."""
    import keras

    facts = {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "floatx": keras.config.floatx(),
        "dtype policy": keras.config.dtype_policy().name,
        "jit": str(model.jit_compile),
        "optimizer": _optimizer(model),
        "process": process(),
    }
    if models.has_own_train_step(model):
        facts[TRAINING_STEP] = OWN
    for package in PACKAGES[1:]:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            continue
    return facts | BACKENDS[keras.backend.backend()](job.devices)


def process() -> str:
    """How this process began, as its host left it."""
    return os.environ.get(PROCESS, "forked from a warm host")


def _optimizer(model: Any) -> str:
    config = model.optimizer.get_config()
    return ", ".join(f"{key}={value}" for key, value in sorted(config.items()) if value not in (None, False))


def _torch(devices: int) -> dict[str, str]:
    import torch

    gpu = torch.cuda.is_available()
    return {
        "devices": f"{devices} x {torch.cuda.get_device_name() if gpu else 'cpu'}",
        "threads": str(torch.get_num_threads()),
        "tf32": str(torch.backends.cuda.matmul.allow_tf32) if gpu else "no GPU",
        "deterministic": str(torch.are_deterministic_algorithms_enabled()),
    }


def _jax(devices: int) -> dict[str, str]:
    import jax

    return {
        "devices": f"{len(jax.devices())} x {jax.devices()[0].device_kind}",
        "threads": os.environ.get("NPROC", "not pinned"),
        "x64": str(jax.config.jax_enable_x64),
        "matmul precision": str(jax.config.jax_default_matmul_precision),
    }


def _tensorflow(devices: int) -> dict[str, str]:
    import tensorflow as tf

    gpus = tf.config.list_logical_devices("GPU")
    return {
        "devices": f"{len(gpus) or len(tf.config.list_logical_devices('CPU'))} x {'gpu' if gpus else 'cpu'}",
        "threads": str(tf.config.threading.get_intra_op_parallelism_threads()),
        "tf32": str(tf.config.experimental.tensor_float_32_execution_enabled()) if gpus else "no GPU",
    }


BACKENDS = {"torch": _torch, "jax": _jax, "tensorflow": _tensorflow}
