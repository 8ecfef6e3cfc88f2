"""How a framework may compute on a device: whether it may round the operands of float32 products, and whether its kernels
must repeat themselves bit for bit. Documented by PyTorch ("CUDA semantics", "Reproducibility"), JAX
(`jax_default_matmul_precision`) and TensorFlow (`enable_tensor_float_32_execution`, `enable_op_determinism`)."""

from __future__ import annotations

import os

from suite.records import EXACT, ORACLE, Job

TUNING = "--xla_gpu_autotune_level"  # of XLA: how it finds the fastest of several kernels for one product; 0: it does not


def leave_untuned(job: Job) -> None:
    """Before devices are touched: in float64, XLA takes the first kernel for a product on a GPU and not the fastest of
    several. All of them round at 1e-16, and trying them takes time (docs/benchmarks.md). In float32 nothing is touched,
    because kernels differ there. A level that the environment's `variables` set stays."""
    flags = os.environ.get("XLA_FLAGS", "")
    float64 = job.precision == "float64" or job.strategy == ORACLE
    if job.environment.backend == "jax" and job.options.device == "gpu" and float64 and TUNING not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {TUNING}=0".strip()


def choose(job: Job) -> None:
    """Sets up this process, before anything is computed, as the job's environment says.

    With the precision "default" nothing is touched: that is what a user gets. On a CPU no framework rounds operands by
    itself, so "exact" touches nothing there either.
    """
    environment = job.environment
    if environment.precision == EXACT and job.options.device == "gpu":
        EXACTLY[environment.backend]()
    if environment.deterministic:
        DETERMINISTICALLY[environment.backend]()


def _exact_torch() -> None:
    import torch

    torch.set_float32_matmul_precision("highest")
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    # Of half-precision models: whether partial sums may be rounded to 16 bits.
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False


def _exact_jax() -> None:
    import jax

    jax.config.update("jax_default_matmul_precision", "highest")


def _exact_tensorflow() -> None:
    import tensorflow as tf

    tf.config.experimental.enable_tensor_float_32_execution(False)


def _deterministic_torch() -> None:
    import torch

    # An operation without such a kernel warns and runs: whether runs repeat themselves is measured anyway.
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False


def _deterministic_tensorflow() -> None:
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def _by_variables() -> None:
    """The host has its variables already: they count before the framework is imported."""


EXACTLY = {"torch": _exact_torch, "jax": _exact_jax, "tensorflow": _exact_tensorflow}
DETERMINISTICALLY = {"torch": _deterministic_torch, "jax": _by_variables, "tensorflow": _deterministic_tensorflow}
