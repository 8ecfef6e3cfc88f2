"""What the failure of a job says about its GPU, in the words of the drivers and frameworks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.engine.gpu_errors import is_lost, is_out_of_memory
from suite.engine.gpu_failures import Failure, failure
from suite.engine.gpus import Gpus
from suite.records import Job
from tests.engine.test_gpus import job, measured

OOM = (
    "OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.19 GiB",
    "RuntimeError: CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
    "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "RuntimeError: cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 17179869184 bytes.",
    "JaxRuntimeError: INTERNAL: CUDA_ERROR_OUT_OF_MEMORY: out of memory",
    "JaxRuntimeError: FAILED_PRECONDITION: DNN library initialization failed.",
    "ResourceExhaustedError: {{function_node Conv2D}} OOM when allocating tensor with shape[64,64,8,8] by allocator GPU",
    "InternalError: Failed copying input tensor from CPU:0 to GPU:0: Dst tensor is not initialized.",
)
LOST = (
    "AcceleratorError: CUDA error: uncorrectable ECC error encountered",
    "RuntimeError: CUDA error: CUDA-capable device(s) is/are busy or unavailable",
    "failed initializing StreamExecutor for CUDA device ordinal 0: INTERNAL: CUDA_ERROR_ECC_UNCORRECTABLE",
    "RuntimeError: No CUDA-capable device is detected",
    "Unable to determine the device handle for GPU0000:01:00.0: GPU is lost. Reboot the system to recover this GPU (CUDA)",
)
NEITHER = (
    "ValueError: shapes (3,) and (4,) are not aligned",
    "MemoryError",
    "RuntimeError: [enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes. out of memory",
    "ResourceExhaustedError: OOM when allocating tensor with shape[1] by allocator cpu",
    "RuntimeError: CUDA error: an illegal memory access was encountered",
    "RuntimeError: CUDA error: device-side assert triggered",
)


def of(text: str, *, gpus: tuple[str, ...] = ("0",), beside: int = 0, pool: Gpus | None = None, **fields: object) -> Failure:
    """The failure of a job with this text; the driver knows every GPU but "9"."""
    failed: Job = replace(job("failed", devices=len(gpus)), **fields)  # type: ignore[arg-type]
    return failure(
        pool or measured(("0", "1", "9")),
        failed,
        gpus,
        said=text,
        reason=text,
        beside=beside,
        answers=lambda gpu: gpu != "9",
    )


@pytest.mark.parametrize("text", OOM)
def test_a_job_that_ran_out_of_memory_beside_others_runs_again_alone(text: str) -> None:
    assert is_out_of_memory(text) and not is_lost(text)
    again = of(text, beside=4).again
    assert again is not None and again.alone
    assert again.died == f"its GPU ran out of memory beside up to 4 other jobs: {text.splitlines()[0]}"


def test_one_that_had_the_gpu_for_itself_does_not_run_again_and_is_told_what_it_needs() -> None:
    for found in (of(OOM[0]), of(OOM[0], beside=0, alone=True, died="its GPU ran out of memory beside 1 other job: no")):
        assert found.again is None
        assert found.reason.startswith(OOM[0])
        assert found.reason.endswith("It had its GPU for itself: it needs one with more memory, or a smaller batch")


def test_only_the_first_attempt_is_repeated() -> None:
    assert of(OOM[0], beside=2, died="the worker was killed by signal 11").again is None
    assert of(LOST[0], died="its GPU 1 was lost: no").again is None


def test_memory_that_ran_out_is_remembered() -> None:
    pool = measured(need=1)
    assert of(OOM[0], beside=1, pool=pool).again is not None
    assert pool.sharing("torch").endswith("up to 1 share a GPU")


@pytest.mark.parametrize("text", LOST)
def test_a_lost_gpu_leaves_the_pool_and_its_job_goes_on_elsewhere(text: str) -> None:
    assert is_lost(text)
    pool = measured(("0", "1"))
    found = of(text, pool=pool)
    assert found.note == f"GPU 0 is lost ({text}): nothing more is started on it"
    assert found.again is not None and not found.again.alone
    assert found.again.died == f"its GPU 0 was lost: {text}"
    assert (pool.count, pool.is_lost("0")) == (1, True)
    assert of(text, pool=pool).note == "", "it is said once"


@pytest.mark.parametrize("text", NEITHER)
def test_any_other_failure_is_what_it_is(text: str) -> None:
    assert of(text, beside=3) == Failure(reason=text)


def test_a_driver_that_does_not_know_the_gpu_any_more_explains_an_error_of_cuda() -> None:
    text = "RuntimeError: CUDA error: unknown error"
    assert of(text, gpus=("9",)).reason == f"its GPU 9 was lost: {text}"
    assert of("ValueError: no", gpus=("9",)) == Failure(reason="ValueError: no"), "nobody asks the driver for that"


def test_of_several_gpus_only_those_are_lost_that_the_driver_does_not_know() -> None:
    pool = measured(("0", "1", "9"))
    found = of("rank 1 of torch DDP failed: DistBackendError: NCCL error", gpus=("0", "9"), pool=pool)
    assert found.again is not None
    assert (pool.is_lost("0"), pool.is_lost("9")) == (False, True)
    assert of(LOST[0], gpus=("0", "1")) == Failure(reason=LOST[0]), "nobody knows which"


def test_jobs_that_ran_on_a_gpu_when_it_was_lost_go_on_elsewhere_too() -> None:
    pool = measured(("0", "1"))
    pool.lose("0", "ECC error")
    text = "the worker was killed by signal 6 (SIGABRT)"
    found = of(text, pool=pool)
    assert (found.note, found.again is not None) == ("", True)
