"""Jobs that share GPUs, run out of their memory, or lose them. Real processes; the GPUs are numbers."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.engine import devices
from suite.records import Job, Options, Provisioned, Status
from tests.engine.bench import FAKE, Bench
from tests.engine.test_local import peak, started

GPU = Options(device="gpu")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(devices, "used_memory", lambda: ())
    monkeypatch.setattr(devices, "forbids_sharing", lambda: False)
    monkeypatch.setattr(devices, "answers", lambda gpu: True)
    return Bench(tmp_path)


def on_gpu(bench: Bench, *what: str, **fields: Any) -> list[Job]:
    return [bench.job(one, options=GPU, **fields) for one in what]


def most_at_once(bench: Bench) -> int:
    return peak(bench.notes(), lambda note: 1)


def said(bench: Bench) -> list[str]:
    return [event.note for event in bench.events if event.kind == "noted"]


def test_jobs_share_a_gpu_after_the_first_has_told_what_it_needs(bench: Bench) -> None:
    outcomes = bench.run(*on_gpu(bench, *(f"gpu-3-0.4-{number}" for number in range(9))), gpus=1, cores=9)
    assert {outcome.job: outcome.reason for outcome in outcomes.values() if outcome.status is not Status.COMPLETE} == {}
    first, *others = sorted(bench.notes(), key=lambda note: note["began"])
    assert all(first["ended"] <= other["began"] for other in others)
    assert most_at_once(bench) == 4  # 4 x 3.75 of 15.2 GiB
    assert said(bench) == ["fake: a job needs 3.0 GiB of GPU memory: up to 4 share a GPU"]
    assert {note["gpus"] for note in bench.notes()} == {"0"}


def test_a_fixed_number_of_jobs_shares_a_gpu(bench: Bench) -> None:
    bench.run(*on_gpu(bench, *(f"sleep-0.3-{number}" for number in range(6))), gpus=1, jobs_per_gpu=2, cores=9)
    assert most_at_once(bench) == 2
    assert said(bench) == []


def test_a_gpu_for_one_process_runs_one_job_whatever_is_asked_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "forbids_sharing", lambda: True)
    bench.run(*on_gpu(bench, *(f"sleep-0.2-{number}" for number in range(3))), gpus=1, jobs_per_gpu=3, cores=9)
    assert most_at_once(bench) == 1


def test_a_backend_that_waits_to_be_measured_does_not_wait_for_all_jobs_of_another(bench: Bench) -> None:
    for module in ("jax", "keras"):
        (bench.folder / f"{module}.py").touch()
    other = replace(FAKE, name="other", backend="jax", pythonpath=(str(bench.folder), *FAKE.pythonpath))
    python = Provisioned(environment=FAKE, python=sys.executable)
    many = on_gpu(bench, *(f"gpu-2-0.4-{number}" for number in range(12)))
    jobs = [*many, *on_gpu(bench, "gpu-2-0.1-last", environment=other)]
    bench.run(*jobs, gpus=1, cores=3, provisioned={"fake": python, "other": replace(python, environment=other)})
    ended = [note["job"] for note in sorted(bench.notes(), key=lambda note: note["ended"])]
    assert ended.index("gpu-2-0.1-last") < 8, "it does not come last of 13"


def test_jobs_of_the_cpu_run_beside_those_of_the_gpu_on_what_cores_are_left(bench: Bench) -> None:
    on_cpu = [bench.job(f"sleep-0.3-cpu{number}") for number in range(4)]
    bench.run(*on_gpu(bench, "sleep-0.3-a", "sleep-0.3-b"), *on_cpu, gpus=1, cores=3)
    assert most_at_once(bench) == 3
    assert peak([note for note in bench.notes() if note["gpus"]], lambda note: 1) == 1


def test_what_other_programs_hold_at_the_start_is_left_to_them(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "used_memory", lambda: (8 << 30,))
    jobs = on_gpu(bench, *(f"gpu-11-0.2-{number}" for number in range(3)))  # of these 11, 8 are the other program's
    bench.run(*jobs, gpus=1, cores=9)
    assert said(bench) == ["fake: a job needs 10.0 GiB of GPU memory: up to 1 share a GPU"]


def test_a_job_that_runs_out_of_memory_beside_others_runs_again_alone(bench: Bench) -> None:
    small = [f"gpu-2-0.6-{number}" for number in range(4)]
    first, large = on_gpu(bench, "gpu-2-0.1"), on_gpu(bench, "gpu-12-0.3", after=("prepare/gpu-2-0.1",))
    outcomes = bench.run(*first, *on_gpu(bench, *small, after=("prepare/gpu-2-0.1",)), *large, gpus=1, cores=9)
    assert {outcome.job: outcome.reason for outcome in outcomes.values() if outcome.status is not Status.COMPLETE} == {}
    died = {one: why for one, why in started(bench) if why}
    why = died["prepare/gpu-12-0.3"]
    assert why.startswith("its GPU ran out of memory beside up to 4 other jobs: RuntimeError: CUDA out of memory. Tried to ")
    *_, again = (note for note in bench.notes() if note["job"] == "gpu-12-0.3")
    others = [note for note in bench.notes() if note["job"] != "gpu-12-0.3"]
    assert all(other["ended"] <= again["began"] or again["ended"] <= other["began"] for other in others)
    assert (bench.folder / "logs" / "prepare__gpu-12-0.3__again.log").exists()


def test_a_job_that_does_not_fit_on_the_gpu_at_all_fails_once(bench: Bench) -> None:
    outcome = bench.run(*on_gpu(bench, "gpu-17-0.1"), gpus=1)["prepare/gpu-17-0.1"]
    assert outcome.status is Status.FAILED
    assert outcome.reason.startswith("RuntimeError: CUDA out of memory. Tried to allocate 17.00 GiB")
    assert outcome.reason.endswith("It had its GPU for itself: it needs one with more memory, or a smaller batch")
    assert len(started(bench)) == 1


def test_jobs_of_a_lost_gpu_go_on_on_another_and_no_more_are_started_there(bench: Bench) -> None:
    jobs = on_gpu(bench, *(f"lost-0-{number}" for number in range(4)))
    two = on_gpu(bench, "fine-both", devices=2, after=tuple(job.id for job in jobs))
    outcomes = bench.run(*jobs, *two, gpus=2, cores=9)
    assert [outcomes[job.id].status for job in jobs] == [Status.COMPLETE] * 4
    (note,) = said(bench)
    why = "RuntimeError: CUDA error: uncorrectable ECC error encountered (stand_in.py, line 95)"
    assert note == f"GPU 0 is lost ({why}): nothing more is started on it"
    assert [died for _, died in started(bench) if died] == [f"its GPU 0 was lost: {why}"]
    both = outcomes["prepare/fine-both"]
    assert both.status is Status.NO_DEVICES
    assert both.reason == f"needs 2 GPUs, but this machine has 1 left (GPU 0 was lost: {why})"


def test_when_the_last_gpu_is_lost_every_job_gets_a_reason(bench: Bench) -> None:
    outcomes = bench.run(*on_gpu(bench, "lost-0-a", "lost-0-b"), bench.job("fine"), gpus=1)
    assert outcomes["prepare/fine"].status is Status.COMPLETE
    lost = [outcome for one, outcome in outcomes.items() if one != "prepare/fine"]
    assert {outcome.status for outcome in lost} == {Status.NO_DEVICES}
    assert all("needs 1 GPU, but this machine has 0 left (GPU 0 was lost: RuntimeError: CUDA" in one.reason for one in lost)


def test_a_job_that_hangs_on_a_lost_gpu_goes_on_on_another(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "answers", lambda gpu: gpu != "0")
    outcome = bench.run(*on_gpu(bench, "hang"), gpus=2, timeout=1.0)["prepare/hang"]
    assert said(bench) == ["GPU 0 is lost (CUDA gave no answer within 1 s): nothing more is started on it"]
    assert outcome.status is Status.TIMED_OUT, "on the other GPU it hangs, too, and that one is there"
    assert outcome.reason.startswith(
        "first attempt: its GPU 0 was lost: CUDA gave no answer within 1 s; second: was stopped"
    )


def test_a_job_that_hangs_is_only_that_where_its_gpu_is_there(bench: Bench) -> None:
    outcome = bench.run(*on_gpu(bench, "hang"), gpus=2, timeout=1.0)["prepare/hang"]
    assert outcome.status is Status.TIMED_OUT
    assert outcome.reason.startswith(
        "was stopped after 1 s in which it neither began nor finished a run, with all its processes."
    )
    assert (said(bench), len(started(bench))) == ([], 1)


def test_devices_that_are_virtual_get_one_gpu_and_are_told_so(bench: Bench) -> None:
    options = Options(device="gpu", virtual_devices=True)
    bench.run(bench.job("fine", devices=2, options=options), gpus=1)
    (note,) = bench.notes()
    assert note["gpus"] == "0"
    written = (bench.folder / "jobs" / "prepare__fine.json").read_text()
    assert '"gpus":1' in written and '"devices":2' in written
