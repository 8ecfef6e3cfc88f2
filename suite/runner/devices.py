"""Gives this process its devices, before any is touched: parts of the CPU or of one GPU, or GPUs that must be there."""

from __future__ import annotations

import os

from suite.records import Job
from suite.runner import driver, numerics
from suite.runner.outcome import ForkedTooLate, NoDevices

DIVIDED = 0.8  # of a GPU's memory, among its virtual devices: contexts and libraries take some outside of any allocator
# How long one device waits for the others before XLA ends the process: on a busy machine, 40 seconds are too few.
PATIENCE, PATIENT_SECONDS = "--xla_cpu_collective_call_terminate_timeout_seconds", 600
KNOWS_PATIENCE = (0, 6)  # versions of JAX whose XLA knows the flag: others end at once where they meet it
SMALL_PART = 2048  # MiB, where the driver does not say how much there is


def claim(job: Job) -> None:
    """Makes exactly `job.devices` devices of the wanted kind visible to the backend, with a pinned thread count, and has it
    compute there as the environment says.

    Raises:
        NoDevices: the backend sees other GPUs than this job was given. It never falls back to the CPU.
        ForkedTooLate: a new process could use them.
    """
    if job.options.device == "gpu" and (reason := driver.spoiled()):
        raise ForkedTooLate(reason)
    numerics.leave_untuned(job)
    given = job.gpus or job.devices
    CLAIMS[job.environment.backend](job.options.device, job.devices, job.options.threads, given)
    numerics.choose(job)


def are_virtual(job: Job) -> bool:
    """Whether the job's devices are parts of one GPU."""
    return job.options.device == "gpu" and 0 < job.gpus < job.devices


def _check(seen: int, given: int, backend: str) -> None:
    if seen != given:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
        raise NoDevices(
            f"{backend} sees {seen} GPU(s), but this job was given {given} (CUDA_VISIBLE_DEVICES: {visible}): check the "
            "driver, the environment's packages (do they support this GPU?) and its variables"
        )


def _tensorflow(device: str, count: int, threads: int, gpus: int) -> None:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    if device == "gpu":
        seen = tf.config.list_physical_devices("GPU")
        _check(len(seen), gpus, "TensorFlow")
        if gpus < count:
            # A part of a GPU must be told its size, in MiB; it takes what it needs of that, not all at once.
            size = int(driver.total_memory() * DIVIDED / count) >> 20
            part = tf.config.LogicalDeviceConfiguration(memory_limit=size or SMALL_PART)
            tf.config.set_logical_device_configuration(seen[0], [part] * count)
        return
    tf.config.set_visible_devices([], "GPU")
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)


def _jax(device: str, count: int, threads: int, gpus: int) -> None:
    import jax

    if device == "gpu":
        seen = [gpu for gpu in jax.devices() if gpu.platform == "gpu"]
        _check(len(seen), gpus, "JAX")
        if gpus < count:
            raise NoDevices(f"JAX cannot have {count} devices on {gpus} GPU: give it as many GPUs as devices")
        return
    jax.config.update("jax_platforms", "cpu")
    # XLA reads its flags when JAX makes its devices, which it has not yet done.
    if count > 1 and jax.__version_info__ >= KNOWS_PATIENCE and PATIENCE not in os.environ.get("XLA_FLAGS", ""):
        _add_flag(f"{PATIENCE}={PATIENT_SECONDS}")
    try:
        jax.config.update("jax_num_cpu_devices", count)
    except AttributeError:  # before JAX 0.5
        _add_flag(f"--xla_force_host_platform_device_count={count}")


def _add_flag(flag: str) -> None:
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}".strip()


def _torch(device: str, count: int, threads: int, gpus: int) -> None:
    import torch

    torch.set_num_threads(threads)
    if device == "gpu":
        _check(torch.cuda.device_count(), gpus, "PyTorch")


CLAIMS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
