"""What an error of a job says about its GPU: out of memory, or lost. By texts of CUDA and the frameworks."""

from __future__ import annotations

# Some are only symptoms: a library that cannot be initialized for want of memory says so, and not why.
OUT_OF_MEMORY = (
    "cuda out of memory",  # PyTorch: torch.OutOfMemoryError
    "cuda error: out of memory",  # PyTorch, where the context does not fit
    "outofmemoryerror",
    "resource_exhausted",  # JAX: XlaRuntimeError, JaxRuntimeError
    "resourceexhaustederror",  # TensorFlow
    "oom when allocating",
    "dst tensor is not initialized",  # TensorFlow, where the copy to the GPU does not fit
    "cuda_error_out_of_memory",
    "cudaerrormemoryallocation",
    "cublas_status_alloc_failed",
    "cublas_status_not_initialized",
    "cudnn_status_alloc_failed",
    "cudnn_status_not_initialized",
    "dnn library initialization failed",
    "failed to create cublas handle",
    "cusolver_status_alloc_failed",
)  # fmt: skip

# Only what the device or its driver is to blame for, not a program: an illegal access ends one process, and no more.
LOST = (
    "gpu is lost",
    "fallen off the bus",
    "uncorrectable ecc error",
    "uncorrectable nvlink error",
    "cuda_error_ecc_uncorrectable",
    "cuda_error_nvlink_uncorrectable",
    "cuda_error_device_unavailable",
    "busy or unavailable",
    "no cuda-capable device is detected",
    "cuda_error_no_device",
    "cuda_error_system_not_ready",
)  # fmt: skip


def is_out_of_memory(text: str) -> bool:
    """Whether an error says that memory of a GPU ran out. "defaultcpuallocator" and the like are memory of the host."""
    lower = text.lower()
    return "cpuallocator" not in lower and "by allocator cpu" not in lower and _contains(lower, OUT_OF_MEMORY)


def is_lost(text: str) -> bool:
    """Whether an error says that the GPU itself cannot be used any more."""
    return _contains(text.lower(), LOST)


def is_of_driver(text: str) -> bool:
    """Whether an error comes from CUDA or NCCL at all: only then is it worth asking the driver for its GPUs."""
    return _contains(text.lower(), ("cuda", "nccl", "nvml"))


def _contains(text: str, parts: tuple[str, ...]) -> bool:
    return any(part in text for part in parts)
