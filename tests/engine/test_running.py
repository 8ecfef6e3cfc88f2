"""What the engine says of jobs, and in which host each runs."""

from __future__ import annotations

from dataclasses import replace

from suite.engine.gpus import Gpus
from suite.engine.nodes import key_of
from suite.engine.running import too_few
from tests.engine.test_gpus import job


def test_a_second_attempt_has_a_host_of_its_own_unless_memory_of_the_gpu_was_short() -> None:
    first = job("first")
    again = replace(first, died="the worker was killed by signal 11 (SIGSEGV)")
    assert key_of(first) == key_of(job("second")) != key_of(job("first", device="cpu"))
    assert key_of(again)[-1] == first.id
    assert key_of(replace(again, alone=True)) == key_of(first)


def test_too_few_gpus_in_words() -> None:
    gpus = Gpus(("0", "1"))
    of = [job(str(count), devices=count) for count in range(10)]
    assert too_few(of[3], [gpus]) == "needs 3 GPUs, but this machine has 2: choose fewer with --devices"
    gpus.lose("1", "ECC error")
    assert too_few(of[2], [gpus]) == "needs 2 GPUs, but this machine has 1 left (GPU 1 was lost: ECC error)"


def test_a_job_that_fits_no_node_says_how_many_gpus_the_largest_has() -> None:
    nodes = [Gpus(("0",)), Gpus(("0", "1"))]
    assert too_few(job("eight", devices=8), nodes) == "no node has 8 GPUs: the most is 2; choose fewer with --devices"
    nodes[1].lose("1", "ECC error")
    assert too_few(job("two", devices=2), nodes) == "no node has 2 GPUs: the most is 1 left (GPU 1 was lost: ECC error)"
