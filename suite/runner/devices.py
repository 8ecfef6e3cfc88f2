"""Gives this process its devices, before any is touched: virtual CPU devices, or GPUs that must be there."""

from __future__ import annotations

from suite.records import Job
from suite.runner import driver, numerics
from suite.runner.outcome import ForkedTooLate, NoDevices


def claim(job: Job) -> None:
    """Makes exactly `job.devices` devices of the wanted kind visible to the backend, with a pinned thread count, and has it
    compute there as the environment says.

    Raises:
        NoDevices: fewer GPUs are visible than were asked for. It never falls back to the CPU.
        ForkedTooLate: a new process could use them.
    """
    if job.options.device == "gpu" and (reason := driver.spoiled()):
        raise ForkedTooLate(reason)
    CLAIMS[job.environment.backend](job.options.device, job.devices, job.options.threads)
    numerics.choose(job)


def _enough(seen: int, wanted: int, backend: str) -> None:
    if seen < wanted:
        raise NoDevices(f"{backend} sees {seen} GPU(s), {wanted} wanted: check the driver and the environment's packages")


def _tensorflow(device: str, count: int, threads: int) -> None:
    import tensorflow as tf

    if device == "gpu":
        _enough(len(tf.config.list_physical_devices("GPU")), count, "TensorFlow")
        return
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)


def _jax(device: str, count: int, threads: int) -> None:
    import jax

    if device == "gpu":
        seen = [gpu for gpu in jax.devices() if gpu.platform == "gpu"]
        _enough(len(seen), count, "JAX")
        return
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", count)


def _torch(device: str, count: int, threads: int) -> None:
    import torch

    if device == "gpu":
        _enough(torch.cuda.device_count(), count, "PyTorch")
        return
    torch.set_num_threads(threads)


CLAIMS = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
