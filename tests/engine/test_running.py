"""What the engine says of jobs, and in which host each runs."""

from __future__ import annotations

from dataclasses import replace

from suite.engine.gpus import Gpus
from suite.engine.running import key_of, too_few
from tests.engine.test_gpus import job


def test_a_second_attempt_has_a_host_of_its_own_unless_memory_of_the_gpu_was_short() -> None:
    first = job("first")
    again = replace(first, died="the worker was killed by signal 11 (SIGSEGV)")
    assert key_of(first) == key_of(job("second")) != key_of(job("first", device="cpu"))
    assert key_of(again)[-1] == first.id
    assert key_of(replace(again, alone=True)) == key_of(first)


def test_too_few_gpus_in_words() -> None:
    gpus = Gpus(("0", "1"))
    assert too_few(3, gpus) == "needs 3 GPUs, but this machine has 2: choose fewer with --devices"
    gpus.lose("1", "ECC error")
    assert too_few(2, gpus) == "needs 2 GPUs, but this machine has 1 left (GPU 1 was lost: ECC error)"
