"""What a run really ran on: versions, devices, threads, precision and determinism flags, jit. All as text."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from suite.records import OUTSIDE, OWN, TRAINING_STEP, VIRTUAL_DEVICES, Job
from suite.runner import keras_versions, models, precision
from suite.runner.devices import are_virtual

DRIVER = Path("/proc/driver/nvidia/version")
NUMBER = re.compile(r"\b\d{3,}\.\d+(\.\d+)?\b")  # of a driver: 580.159.04
PROCESS = "PARITY_PROCESS"  # the variable that a host sets for a job that it does not fork, with the reason
NODE = "PARITY_NODE"  # the variable that names the machine, where it is one of a cluster
NVIDIA = {"cuda package": "nvidia-cuda-runtime", "cudnn package": "nvidia-cudnn"}  # fact -> distribution, without its CUDA
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
        "dtype policy": keras_versions.dtype_policy().name,
        "jit": str(model.jit_compile),
        "optimizer": _optimizer(model),
        "process": process(),
        **node(),
    }
    facts |= precision.narrowed(model)
    if models.has_own_train_step(model):
        facts[TRAINING_STEP] = OWN
    for package in PACKAGES[1:]:
        if found := _version(package):
            facts[package] = found
    if are_virtual(job):
        facts[VIRTUAL_DEVICES] = f"{job.devices} on one GPU"
    return facts | BACKENDS[keras.backend.backend()](job.devices) | asked(job) | _driver(job)


def outside(model: Any) -> dict[str, str]:
    """The fact of a model on torch with trained weights that are none of its parameters, so that torch cannot know of them.
    To be asked before `fit`, which makes parameters of all."""
    import keras

    if keras.backend.backend() != "torch":
        return {}
    seen = {id(parameter) for parameter in model.parameters()}
    trained = {id(variable) for variable in model.trainable_variables}
    names = [name for name, one in models.variables(model).items() if id(one) in trained and id(one.value) not in seen]
    return {OUTSIDE: ", ".join(names)} if names else {}


def asked(job: Job) -> dict[str, str]:
    """What the environment asks of its framework."""
    return {"precision": job.environment.precision, "deterministic kernels": _word(job.environment.deterministic)}


def _driver(job: Job) -> dict[str, str]:
    """The GPU's driver, and what of CUDA is installed as packages; empty on a CPU."""
    if job.options.device != "gpu":
        return {}
    found = {"driver": driver_version()}
    for fact, package in NVIDIA.items():
        versions = [one for suffix in ("-cu13", "-cu12", "") if (one := _version(f"{package}{suffix}"))]
        found |= {fact: versions[0]} if versions else {}
    return found


@functools.cache
def driver_version() -> str:
    """As the kernel gives it, or nvidia-smi, which takes up to seconds; "unknown" if neither answers."""
    with contextlib.suppress(OSError):
        if found := NUMBER.search(DRIVER.read_text()):
            return found[0]
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = answer.stdout.split() if answer.returncode == 0 else []
    return lines[0] if lines else "unknown"


def _word(flag: bool) -> str:
    return "asked for" if flag else "not asked for"


def _version(package: str) -> str:
    """Of an installed distribution; empty if it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def process() -> str:
    """How this process began, as its host left it."""
    return os.environ.get(PROCESS, "forked from a warm host")


def node() -> dict[str, str]:
    """The machine of a cluster on which this runs; nothing without one."""
    return {"node": os.environ[NODE]} if NODE in os.environ else {}


def _optimizer(model: Any) -> str:
    config = model.optimizer.get_config()
    return ", ".join(f"{key}={value}" for key, value in sorted(config.items()) if value not in (None, False))


def _torch(devices: int) -> dict[str, str]:
    import torch

    facts = {
        "devices": f"{devices} x cpu",
        "threads": str(torch.get_num_threads()),
        "tf32": "no GPU",
        "deterministic": str(torch.are_deterministic_algorithms_enabled()),
    }
    if torch.cuda.is_available():
        matmul, convolution = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        facts |= {
            "devices": f"{devices} x {torch.cuda.get_device_name()}",
            "tf32": f"products {matmul}, convolutions {convolution}",
            "cuda": str(torch.version.cuda),
            "cudnn": str(torch.backends.cudnn.version()),
        }
    return facts


def _jax(devices: int) -> dict[str, str]:
    import jax

    return {
        "devices": f"{len(jax.devices())} x {jax.devices()[0].device_kind}",
        "threads": os.environ.get("NPROC", "not pinned"),
        "x64": str(jax.config.jax_enable_x64),
        "matmul precision": str(jax.config.jax_default_matmul_precision),
        "platform": _jax_platform(),
    }


def _jax_platform() -> str:
    """What JAX computes with, as it says, in one line: "PJRT C API; cuda 12080". Looked for: it is not documented."""
    import jax

    client = getattr(jax.devices()[0], "client", None)
    return "; ".join(str(getattr(client, "platform_version", "unknown")).split("\n"))


def _tensorflow(devices: int) -> dict[str, str]:
    import tensorflow as tf

    gpus = tf.config.list_logical_devices("GPU")
    facts = {
        "devices": f"{len(tf.config.list_logical_devices('CPU'))} x cpu",
        "threads": str(tf.config.threading.get_intra_op_parallelism_threads()),
        "tf32": "no GPU",
    }
    if gpus:
        details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
        built = tf.sysconfig.get_build_info()
        facts |= {
            "devices": f"{len(gpus)} x {details.get('device_name', 'gpu')}",
            "tf32": str(tf.config.experimental.tensor_float_32_execution_enabled()),
            "cuda": str(built.get("cuda_version", "unknown")),
            "cudnn": str(built.get("cudnn_version", "unknown")),
        }
    return facts


BACKENDS = {"torch": _torch, "jax": _jax, "tensorflow": _tensorflow}
