"""Which GPUs jobs get, and which share one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from suite.engine.gpus import Gpus, Memory
from suite.records import Environment, Job, Options

GIB = 2**30


def job(name: str, backend: str = "torch", *, devices: int = 1, device: str = "gpu", **fields: object) -> Job:
    return replace(
        Job(
            kind="prepare",
            scenario=name,
            run_folder=str(Path("/run")),
            environment=Environment(name=backend, backend=backend),
            options=Options(device=device),
            devices=devices,
        ),
        **fields,  # type: ignore[arg-type]
    )


def begin(gpus: Gpus, one: Job, kept: set[str] | None = None) -> tuple[str, ...] | None:
    chosen = gpus.choose(one, set() if kept is None else kept)
    if chosen:
        gpus.start(one, chosen)
    return chosen


def measured(names: tuple[str, ...] = ("0",), *, need: int = 10, total: int = 80, used: int = 0, **arguments: int) -> Gpus:
    """GPUs on which a first job of PyTorch has run, all amounts in GiB."""
    gpus = Gpus(names, used=[used * GIB for _ in names], **arguments)
    first = job("first")
    assert begin(gpus, first)
    gpus.end(first, names[:1], Memory(reserved=(need - 1) * GIB, used=(used + need) * GIB, total=total * GIB))
    return gpus


def count_that_fit(gpus: Gpus, backend: str = "torch") -> int:
    count = 0
    while begin(gpus, job(f"more-{count}", backend)):
        count += 1
        assert count < 100
    return count


def test_the_first_job_of_a_backend_has_a_gpu_for_itself_and_the_others_wait_for_what_it_tells() -> None:
    gpus = Gpus(("0",))
    first, second = job("first"), job("second")
    assert begin(gpus, first) == ("0",)
    assert begin(gpus, second) is None
    assert begin(gpus, job("other", "jax")) is None
    gpus.end(first, ("0",), Memory(reserved=GIB, used=2 * GIB, total=80 * GIB))
    assert begin(gpus, second) == ("0",)
    assert begin(gpus, job("third")) == ("0",)


def test_as_many_jobs_share_a_gpu_as_its_memory_allows_with_a_margin() -> None:
    assert count_that_fit(measured(need=10, total=80)) == 6  # 6 x 12.5 of 76 GiB
    assert count_that_fit(measured(need=70, total=80)) == 1  # it always may run alone


def test_memory_of_other_programs_is_not_counted_as_the_jobs_own_nor_given_away() -> None:
    assert count_that_fit(measured(need=10, total=80, used=40)) == 3  # of 38 GiB


def test_jobs_of_several_backends_share_by_what_each_needs() -> None:
    gpus = measured(need=30, total=80)
    jax = job("first", "jax")
    assert begin(gpus, jax) == ("0",)
    gpus.end(jax, ("0",), Memory(reserved=GIB, used=2 * GIB, total=80 * GIB))
    assert begin(gpus, job("large")) == ("0",)
    assert count_that_fit(gpus, "jax") == 15  # 15 x 2.5 beside 37.5 of 76 GiB


def test_a_job_that_needed_more_than_the_first_leaves_room_for_fewer() -> None:
    gpus = measured(need=10, total=80)
    two = [job("a"), job("b")]
    for one in two:
        assert begin(gpus, one)
    # All processes hold 50 GiB: that says nothing about one of them. Its allocator's 30 and the 1 outside of it do.
    gpus.end(two[0], ("0",), Memory(reserved=30 * GIB, used=50 * GIB, total=80 * GIB))
    gpus.end(two[1], ("0",))
    assert count_that_fit(gpus) == 1, "2 x 1.25 x 31 are more than 76 GiB"


def test_jobs_go_where_the_fewest_are() -> None:
    gpus = measured(("0", "1"))
    assert [begin(gpus, job(f"{number}")) for number in range(4)] == [("0",), ("1",), ("0",), ("1",)]


def test_a_fixed_number_shares_without_measuring() -> None:
    gpus = Gpus(("0", "1"), jobs_per_gpu=3)
    assert count_that_fit(gpus) == 6
    assert gpus.sharing("torch") == ""
    assert count_that_fit(Gpus(("0",), jobs_per_gpu=1)) == 1


def test_jobs_of_several_devices_have_their_gpus_for_themselves() -> None:
    gpus = measured(("0", "1", "2"))
    assert begin(gpus, job("two", devices=2)) == ("0", "1")
    assert begin(gpus, job("small")) == ("2",)
    assert begin(gpus, job("two-more", devices=2)) is None
    assert begin(gpus, job("small-too")) == ("2",)


def test_virtual_devices_are_on_one_gpu_which_nobody_shares() -> None:
    gpus = measured()
    two = job("two", devices=2, options=Options(device="gpu", virtual_devices=True))
    assert gpus.needed(two) == 1
    assert gpus.needed(replace(two, options=Options(device="gpu"))) == 2
    assert begin(gpus, two) == ("0",)
    assert begin(gpus, job("small")) is None


def test_where_there_are_enough_gpus_no_device_is_virtual() -> None:
    assert Gpus(("0", "1")).needed(job("two", devices=2, options=Options(device="gpu", virtual_devices=True))) == 2


def test_jobs_of_the_cpu_need_no_gpu() -> None:
    gpus = Gpus(())
    on_cpu = job("cpu", devices=2, device="cpu")
    assert (gpus.needed(on_cpu), gpus.choose(on_cpu, set())) == (0, ())


def test_small_jobs_do_not_keep_one_waiting_that_needs_a_gpu_for_itself() -> None:
    gpus = measured()
    assert begin(gpus, job("small"))
    kept: set[str] = set()
    assert begin(gpus, job("again", alone=True), kept) is None
    assert kept == {"0"}
    assert begin(gpus, job("small-too"), kept) is None


def test_one_job_of_a_backend_measures_and_the_others_keep_no_gpu_for_that() -> None:
    gpus = measured(("0", "1", "2"))
    kept: set[str] = set()
    assert begin(gpus, job("jax-1", "jax"), kept) == ("0",)
    assert begin(gpus, job("small-1"), kept) == ("1",)
    assert begin(gpus, job("small-2"), kept) == ("2",)
    assert begin(gpus, job("jax-2", "jax"), kept) is None
    assert kept == set()


def test_who_measures_or_runs_again_alone_is_considered_first() -> None:
    gpus = Gpus(("0", "1"))
    assert gpus.goes_first(job("first"))
    assert not gpus.goes_first(job("first", device="cpu"))
    assert begin(gpus, job("first"))
    assert not gpus.goes_first(job("second")), "one measures"
    assert gpus.goes_first(job("again", alone=True))
    assert not measured().goes_first(job("more"))
    assert not Gpus(("0",), jobs_per_gpu=2).goes_first(job("first"))


def test_fewer_jobs_are_started_where_memory_ran_out() -> None:
    gpus = measured(need=1, total=80)
    assert count_that_fit(gpus) == 60
    gpus.exceeded(job("more-0"), "0", beside=3)
    for number in range(60):
        gpus.end(job(f"more-{number}"), ("0",))
    assert count_that_fit(gpus) == 3


def test_how_many_shared_with_a_job_is_known_when_it_ends() -> None:
    gpus = measured()
    jobs = [job(f"{number}") for number in range(3)]
    for one in jobs:
        assert begin(gpus, one)
    assert [gpus.end(one, ("0",)) for one in jobs] == [2, 2, 2]
    last = job("last")
    assert begin(gpus, last)
    assert gpus.end(last, ("0",)) == 0


def test_a_lost_gpu_is_not_given_to_anyone() -> None:
    gpus = measured(("0", "1"))
    assert begin(gpus, job("small"))
    assert (gpus.lose("0", "ECC error"), gpus.lose("0", "again")) == (True, False)
    assert (gpus.count, gpus.is_lost("0"), gpus.is_lost("1")) == (1, True, False)
    assert gpus.lost == "GPU 0 was lost: ECC error"
    assert gpus.end(job("small"), ("0",)) == 0
    assert [begin(gpus, job(f"{number}")) for number in range(2)] == [("1",), ("1",)]


def test_sharing_in_words() -> None:
    assert Gpus(("0",)).sharing("torch") == ""
    assert measured(need=10, total=80).sharing("torch") == "a job needs 10.0 GiB of GPU memory: up to 6 share a GPU"


@pytest.mark.parametrize("memory", [None, Memory(reserved=GIB, used=2 * GIB, total=0)])
def test_a_worker_that_does_not_tell_its_memory_has_jobs_run_one_by_one(memory: Memory | None) -> None:
    gpus = Gpus(("0",))
    for number in range(3):
        one = job(f"{number}")
        assert begin(gpus, one)
        assert begin(gpus, job("beside")) is None
        gpus.end(one, ("0",), memory)
