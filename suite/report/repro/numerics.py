"""Where and how each side of a script computes, as environment variables that need no code of a framework."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from suite.records import EXACT, Environment, Results

# NVIDIA's own switch reaches what cuBLAS and cuDNN compute; JAX compiles some products itself, and has one of its own.
EXACTLY = {"NVIDIA_TF32_OVERRIDE": "0", "JAX_DEFAULT_MATMUL_PRECISION": "highest"}
DETERMINISTICALLY = {
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "XLA_FLAGS": "--xla_gpu_deterministic_ops=true",
    "TF_DETERMINISTIC_OPS": "1",
}


def variables(results: Results, sides: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
    """Side -> its variables; empty if no side runs on a GPU: then a script has nothing to say of it."""
    every = {one.environment.name: one.environment for one in results.environments}
    chosen = {name: every[name] for name in sides if name in every}
    if all(one.device != "gpu" for one in chosen.values()):
        return {}
    return {name: _of(one) for name, one in chosen.items()}


def _of(environment: Environment) -> dict[str, str]:
    if environment.device != "gpu":
        return {"CUDA_VISIBLE_DEVICES": ""}
    exact = EXACTLY if environment.precision == EXACT else {}
    return {**exact, **(DETERMINISTICALLY if environment.deterministic else {})}
