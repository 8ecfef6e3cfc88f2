"""The environment variables of a worker: those of the user's shell that it needs, and what the suite decides.

A shell holds tokens and passwords, and a worker runs the code of models and plugins. So only listed variables are inherited.
None of them changes what is computed."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path

from suite.artifacts import names
from suite.plan.locations import ROOT
from suite.records import Environment, Options

# Where programs, libraries, certificates, data sets and temporary files are, how text is written, and how to reach networks.
INHERITED = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TZ", "LANG", "LANGUAGE", "TMPDIR", "TMP", "TEMP",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "SYSTEMROOT", "WINDIR",
    "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "CUDA_HOME", "CUDA_PATH", "CUDA_ROOT", "CUDA_DEVICE_ORDER", "CUDA_CACHE_PATH", "CUDA_MODULE_LOADING", "CUDNN_PATH",
    "CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES",
    "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_DATASETS_CACHE", "HF_DATASETS_OFFLINE", "TFDS_DATA_DIR",
    "SCIKIT_LEARN_DATA",
    "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONWARNINGS",
})  # fmt: skip
FAMILIES = ("LC_", "XDG_", "NCCL_", "GLOO_", "COVERAGE_", "COV_CORE_", "PARITY_")  # no secret, nothing that computes
SIGNING_KEY = "PARITY_SIGNING_KEY"  # which no worker gets, although it has the name of a family
NODE = "PARITY_NODE"  # of a cluster, which the facts of a run name
MORE = "PARITY_INHERIT"  # names of further variables, with commas between them

# NPROC is XLA's: without it JAX takes as many threads as the machine has cores, and rounds by their number.
THREADS = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
    "NPROC",
)  # fmt: skip

# On a GPU, XLA compiles in as many threads, and computes no number in them. With one, a model of MobileNet's size took 98 s.
COMPILING = {"jax": {"NPROC": "4"}}

# Backends that take most of a GPU's memory when they begin, and how each is told to take what it needs: jobs share a GPU.
ON_DEMAND = {
    "jax": {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
    "tensorflow": {"TF_FORCE_GPU_ALLOW_GROWTH": "true"},
}


# What deterministic kernels need before the framework is imported, by backend and device. On a CPU, JAX's repeat themselves.
DETERMINISTIC: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("torch", "gpu"): {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"},
    ("jax", "gpu"): {"XLA_FLAGS": "--xla_gpu_deterministic_ops=true"},
    ("tensorflow", "gpu"): {"TF_DETERMINISTIC_OPS": "1"},
}


def of_host(
    environment: Environment,
    options: Options,
    *,
    folder: Path,
    cache: Path | None,
    imports: Path = ROOT,
    node: str = "",
    shell: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """The variables of an environment's host: of the shell, what `inherited` lets through. Its own `variables` win over
    everything.

    `folder`: the run folder; Keras reads its settings (floatx, epsilon) from there and not from the user's home.
    `imports`: the folder that the suite is imported from. `node`: what its machine is called in a cluster.
    `cache`: where JAX keeps what it compiled, a folder per environment and processor; None: nothing is kept.
    """
    variables = inherited(shell)
    paths = [str(imports), *environment.pythonpath]
    variables |= {
        "KERAS_BACKEND": environment.backend,
        "KERAS_HOME": str(folder / names.KERAS / environment.name),
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONHASHSEED": "0",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    if node:
        variables[NODE] = node
    if environment.backend == "torch":
        # Keras asks torch for GPUs at import. The driver answers that by initializing CUDA, which no fork survives;
        # NVML does not.
        variables["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
    variables |= dict.fromkeys(THREADS, str(options.threads))
    if options.device == "cpu":
        variables["CUDA_VISIBLE_DEVICES"] = ""
    else:
        variables |= ON_DEMAND.get(environment.backend, {}) | COMPILING.get(environment.backend, {}) | _visible_gpus(shell)
    if environment.deterministic:
        variables |= DETERMINISTIC.get((environment.backend, options.device), {})
    if environment.backend == "jax" and cache is not None:
        # Everything is kept: by default only what took a second to compile is, and small models take less.
        variables |= {
            "JAX_COMPILATION_CACHE_DIR": str(cache / f"{environment.name}-{processor()}"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
    return variables | dict(environment.variables)


def inherited(shell: Mapping[str, str]) -> dict[str, str]:
    """What a process that runs other people's code gets of the shell."""
    asked_for = {name.strip() for name in shell.get(MORE, "").split(",")}
    names = (name for name in shell if name in asked_for or name.upper() in INHERITED or name.startswith(FAMILIES))
    return {name: shell[name] for name in names if name != SIGNING_KEY}


def _visible_gpus(shell: Mapping[str, str]) -> dict[str, str]:
    """Which GPUs the user left visible, in the driver's order, which `gpu_names` and the driver's own programs count in."""
    chosen = {"CUDA_DEVICE_ORDER": shell.get("CUDA_DEVICE_ORDER", "PCI_BUS_ID")}
    if "CUDA_VISIBLE_DEVICES" in shell:
        chosen["CUDA_VISIBLE_DEVICES"] = shell["CUDA_VISIBLE_DEVICES"]
    return chosen


def processor() -> str:
    """Eight digits that differ between processors of different abilities: code compiled for one may crash on another,
    and caches are carried from machine to machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    abilities = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return hashlib.sha256(f"{platform.machine()} {abilities}".encode()).hexdigest()[:8]


def gpu_names(count: int, shell: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """What to write into CUDA_VISIBLE_DEVICES for each of `count` GPUs: those that the user left visible come first."""
    visible = [name.strip() for name in shell.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return tuple(visible[:count]) if visible else tuple(str(index) for index in range(count))
