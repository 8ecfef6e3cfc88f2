"""What becomes of jobs, one and many. Real processes, no frameworks."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.artifacts import names
from suite.engine.events import Event
from suite.engine.hosts import Warm
from suite.records import Options, Provisioned, Status
from tests.engine.bench import FAKE, Bench, all_gone
from tests.processes import alive, until

CANNOT = "ValueError: this environment cannot do it (stand_in.py, line 60)"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def peak(notes: list[dict[str, Any]], weight: Callable[[dict[str, Any]], int]) -> int:
    """The most that overlapping jobs used at one moment."""
    return max(sum(weight(b) for b in notes if b["began"] <= a["began"] < b["ended"]) for a in notes)


# ---------------------------------------------------------------- one job


def test_a_job_completes(bench: Bench) -> None:
    outcome = bench.run(bench.job("fine"))["prepare/fine"]
    assert outcome.status is Status.COMPLETE
    assert outcome.reason == outcome.log == ""
    assert 0 < outcome.seconds < 5


def test_the_job_file_is_what_the_job_is(bench: Bench) -> None:
    bench.run(bench.job("fine", devices=2))
    written = json.loads((bench.folder / "jobs" / "prepare__fine.json").read_text())
    assert (written["scenario"], written["devices"], written["environment"]["name"]) == ("fine", 2, "fake")


@pytest.mark.parametrize(
    ("what", "status", "reason"),
    [
        ("raise", Status.FAILED, "ValueError: the first line"),
        ("unsupported", Status.UNSUPPORTED, "JAX 0.10.2 has no such thing"),
        ("nodevices", Status.NO_DEVICES, "sees 0 GPU(s), 1 wanted"),
        ("fail", Status.FAILED, "rank 1 of torch DDP failed: ValueError: no"),
        ("exit", Status.FAILED, "SystemExit: the scenario said goodbye (stand_in.py, line 99)"),
        ("vanish", Status.FAILED, "the worker ended with exit code 7"),
        (
            "crash",
            Status.FAILED,
            "first attempt: the worker was killed by signal 11 (SIGSEGV), see logs/prepare__crash.log; "
            "second: the worker was killed by signal 11 (SIGSEGV)",
        ),
        (
            "killed",
            Status.FAILED,
            "the worker was killed by signal 9 (SIGKILL); probably out of memory, so it is not started again",
        ),
    ],
)
def test_whatever_a_job_does_the_next_one_runs(bench: Bench, what: str, status: Status, reason: str) -> None:
    outcomes = bench.run(bench.job(what), bench.job("fine"), cores=1)
    outcome = outcomes[f"prepare/{what}"]
    assert outcome.status is status
    assert outcome.reason.splitlines()[0] == reason
    assert outcomes["prepare/fine"].status is Status.COMPLETE


OTHER = replace(FAKE, name="other")
ABLE = replace(FAKE, name="able", variables=(("ABLE", "1"),))
BY_NAME = {one.name: Provisioned(environment=one, python=sys.executable) for one in (FAKE, OTHER, ABLE)}


def test_what_one_environment_cannot_do_the_next_one_does(bench: Bench) -> None:
    job = bench.job("able", elsewhere=(OTHER, ABLE))
    outcomes = bench.run(job, bench.job("fine", needs=(job.id,)), provisioned=BY_NAME)
    made = outcomes["prepare/able"]
    assert made.status is outcomes["prepare/fine"].status is Status.COMPLETE
    assert made.reason == (f"done in able, because other environments could not: fake: {CANNOT}; other: {CANNOT}")
    assert [event.note for event in bench.events if event.kind == "noted"] == [
        f"prepare/able goes on in other, because it failed in fake: {CANNOT}",
        f"prepare/able goes on in able, because it failed in other: {CANNOT}",
    ]
    assert {file.name for file in (bench.folder / "logs").glob("prepare__able*")} == {
        "prepare__able.log", "prepare__able__other.log", "prepare__able__able.log",
    }  # fmt: skip


def test_what_no_environment_can_do_is_said_once(bench: Bench) -> None:
    job = bench.job("able", elsewhere=(OTHER,))
    outcomes = bench.run(job, bench.job("fine", needs=(job.id,)), provisioned=BY_NAME)
    reason = f"{CANNOT} (in every environment: fake, other)"
    assert outcomes["prepare/able"].reason == reason
    assert outcomes["prepare/fine"].reason == f"needs prepare/able, which failed: {reason}"


def test_an_environment_that_is_not_there_is_passed_over(bench: Bench) -> None:
    missing = {**BY_NAME, "fake": Provisioned(environment=FAKE, reason="no network")}
    made = bench.run(bench.job("able", elsewhere=(ABLE,)), provisioned=missing)["prepare/able"]
    assert made.status is Status.COMPLETE
    assert made.reason == "done in able, because other environments could not: fake: no network"


def test_each_environment_may_have_a_reason_of_its_own(bench: Bench) -> None:
    missing = {**BY_NAME, "other": Provisioned(environment=OTHER, reason="no network")}
    ended = bench.run(bench.job("able", elsewhere=(OTHER,)), provisioned=missing)["prepare/able"]
    said = f"fake: {CANNOT}; other: no network"
    assert ended.reason == f"no environment can do it: {said}"


def test_the_log_is_the_end_of_what_it_printed(bench: Bench) -> None:
    outcome = bench.run(bench.job("raise"))["prepare/raise"]
    assert outcome.log.startswith("about to raise\nTraceback")
    noise = bench.run(bench.job("noise"))["prepare/noise"]
    assert noise.status is Status.COMPLETE
    assert len(noise.log.splitlines()) == 40
    assert noise.log.endswith("last words without an end of line")


def test_a_job_that_hangs_is_ended_with_all_its_processes(bench: Bench) -> None:
    outcomes = bench.run(bench.job("hang"), bench.job("sleep-0.1"), timeout=1.0)
    outcome = outcomes["prepare/hang"]
    assert outcome.status is Status.TIMED_OUT
    assert outcome.reason.startswith(
        "was stopped after 1 s in which it neither began nor finished a run, with all its processes."
    )
    assert "--timeout" in outcome.reason
    assert "in do_hang" in outcome.log
    assert outcomes["prepare/sleep-0.1"].status is Status.COMPLETE
    until(lambda: all_gone(bench.pids()))


def test_the_limit_is_one_run_and_not_the_process_that_makes_several(bench: Bench) -> None:
    """Three seconds in all, and never one without a sign."""
    assert bench.run(bench.job("runs-8-0.4"), timeout=1.0)["prepare/runs-8-0.4"].status is Status.COMPLETE


def test_what_left_the_session_of_a_job_ends_with_the_job(bench: Bench) -> None:
    """And not with the command, which may take hours more."""
    with bench.local() as local:
        local.run([bench.job("orphan"), bench.job("sleep-0.3")])
        until(lambda: all_gone(bench.pids()))


def test_what_jobs_leave_in_the_temporary_folder_goes_when_the_next_command_begins_and_when_it_ends(bench: Bench) -> None:
    left = bench.folder / names.TEMPORARY / "left"
    left.mkdir(parents=True)
    with bench.local() as local:
        assert not left.exists()
        local.run([bench.job("meet")])
        assert list(left.parent.iterdir())
    assert not left.parent.exists()


def test_a_frozen_host_is_killed_with_its_jobs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite.engine.dispatch.STOP_SECONDS", 0.5)

    def freeze(event: Event) -> None:
        if event.kind == "started" and event.job and event.job.scenario == "hang":
            os.kill(bench.pids()[0][0], signal.SIGSTOP)

    bench.react = freeze
    outcomes = bench.run(bench.job("hang"), bench.job("fine"), timeout=1.0, cores=1)
    assert outcomes["prepare/hang"].status is Status.TIMED_OUT
    assert outcomes["prepare/fine"].status is Status.COMPLETE
    until(lambda: all_gone(bench.pids()))


# ---------------------------------------------------------------- a second attempt


def started(bench: Bench) -> list[tuple[str, str]]:
    """Each start of a job: its id, and how the first attempt died."""
    return [(event.job.id, event.job.died) for event in bench.events if event.kind == "started" and event.job]


def test_a_job_that_crashed_is_started_once_more_in_a_host_of_its_own(bench: Bench) -> None:
    with bench.local() as local:
        outcome = local.run([bench.job("crash-once")])["prepare/crash-once"]
        first, second = map(int, (bench.folder / "attempts").read_text().split())
        assert (alive(first), alive(second)) == (True, False), "the warm host stays, the other one ends with its job"
    assert (outcome.status, outcome.reason) == (Status.COMPLETE, "")
    died = "the worker was killed by signal 11 (SIGSEGV), see logs/prepare__crash-once.log"
    assert started(bench) == [("prepare/crash-once", ""), ("prepare/crash-once", died)]
    assert outcome.died == died
    logs = bench.folder / "logs"
    assert (logs / "prepare__crash-once.log").read_text().startswith("attempt 1\nFatal Python error: Segmentation fault")
    assert (logs / "prepare__crash-once__again.log").read_text() == "attempt 2\n"
    assert [(event.kind, event.done) for event in bench.events if event.job] == [
        ("started", 0),
        ("started", 0),
        ("ended", 1),
    ]


def test_a_job_that_crashes_twice_is_not_started_a_third_time(bench: Bench) -> None:
    outcome = bench.run(bench.job("crash"))["prepare/crash"]
    assert outcome.status is Status.FAILED
    assert len(started(bench)) == 2
    assert outcome.log.startswith("attempt 2\n")
    assert (bench.folder / "logs" / "prepare__crash.log").read_text().startswith("attempt 1\n")


def test_who_needs_a_job_waits_for_its_second_attempt(bench: Bench) -> None:
    outcomes = bench.run(bench.job("crash-once"), bench.job("fine", needs=("prepare/crash-once",)), bench.job("sleep-0.1"))
    assert {outcome.status for outcome in outcomes.values()} == {Status.COMPLETE}
    notes = {note["job"]: note for note in bench.notes()}
    assert notes["crash-once"]["ended"] <= notes["fine"]["began"]


@pytest.mark.parametrize("what", ["raise", "unsupported", "fail", "vanish", "killed", "rank-9", "rank-15"])
def test_a_job_that_did_not_crash_is_not_started_once_more(bench: Bench, what: str) -> None:
    bench.run(bench.job(what))
    assert started(bench) == [(f"prepare/{what}", "")]


def test_a_job_that_was_to_stop_is_not_started_once_more(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(event: Event) -> None:
        if event.kind == "waiting" and event.running:  # not while the host is imported
            os.kill(bench.pids()[0][1], signal.SIGSEGV)

    bench.react = crash
    monkeypatch.setattr(Warm, "stop", lambda host, job: None)  # so that it is the crash that ends it
    outcome = bench.run(bench.job("hang"), timeout=0.5)["prepare/hang"]
    assert outcome.status is Status.TIMED_OUT
    assert started(bench) == [("prepare/hang", "")]


def test_a_second_attempt_has_a_time_limit_too(bench: Bench) -> None:
    def crash(event: Event) -> None:
        if event.kind == "started" and event.job and not event.job.died:
            os.kill(bench.pids()[0][1], signal.SIGABRT)

    bench.react = crash
    outcome = bench.run(bench.job("hang"), timeout=2.0)["prepare/hang"]
    assert outcome.status is Status.TIMED_OUT
    assert outcome.reason.startswith(
        "first attempt: the worker was killed by signal 6 (SIGABRT), see logs/prepare__hang.log; "
        "second: was stopped after 2 s"
    )
    until(lambda: all_gone(bench.pids()))


def test_one_of_several_processes_that_crashes_is_a_crash_of_the_job(bench: Bench) -> None:
    outcome = bench.run(bench.job("rank-11"))["prepare/rank-11"]
    assert [died for _, died in started(bench)] == [
        "",
        "rank 1 of torch DDP was killed by signal 11 (SIGSEGV), see logs/prepare__rank-11.log",
    ]
    assert outcome.reason.endswith("second: rank 1 of torch DDP was killed by signal 11 (SIGSEGV)")


# ---------------------------------------------------------------- many jobs


def test_jobs_wait_for_what_they_need(bench: Bench) -> None:
    first, second = bench.job("sleep-0.2"), bench.job("fine-2", needs=("prepare/sleep-0.2",))
    bench.run(second, first)
    a, b = bench.notes()
    assert (a["job"], b["job"]) == ("sleep-0.2", "fine-2")
    assert a["ended"] <= b["began"]


def test_jobs_that_depend_on_a_failed_one_say_so(bench: Bench) -> None:
    jobs = [bench.job("raise"), bench.job("fine")]
    jobs += [bench.job(f"fine-{n}", needs=("prepare/raise" if n % 2 else "prepare/fine",)) for n in range(8)]
    outcomes = bench.run(*jobs)
    for number in range(8):
        outcome = outcomes[f"prepare/fine-{number}"]
        if number % 2:
            assert outcome.status is Status.FAILED
            assert outcome.reason.startswith("needs prepare/raise, which failed: ValueError: the first line")
        else:
            assert outcome.status is Status.COMPLETE
    assert len(bench.notes()) == 6, "nothing that depends on a failed job runs"


def test_failure_is_inherited_through_a_chain(bench: Bench) -> None:
    outcomes = bench.run(
        bench.job("fine-2", needs=("prepare/fine-1",)),
        bench.job("fine-1", needs=("prepare/killed",)),
        bench.job("killed"),
    )
    assert outcomes["prepare/fine-2"].reason.startswith(
        "needs prepare/fine-1, which failed: needs prepare/killed, which failed: the worker was killed"
    )


def test_a_job_that_needs_something_unsupported_is_unsupported(bench: Bench) -> None:
    outcomes = bench.run(bench.job("unsupported"), bench.job("fine", needs=("prepare/unsupported",)))
    assert outcomes["prepare/fine"].status is Status.UNSUPPORTED
    assert "which is unsupported: JAX" in outcomes["prepare/fine"].reason


def test_after_only_waits_for_the_end(bench: Bench) -> None:
    outcomes = bench.run(bench.job("fine", after=("prepare/raise",)), bench.job("raise"))
    assert outcomes["prepare/fine"].status is Status.COMPLETE
    assert [note["job"] for note in bench.notes()] == ["raise", "fine"]


def test_ids_that_nobody_knows_count_as_satisfied_and_earlier_ones_count(bench: Bench) -> None:
    with bench.local() as local:
        assert local.run([bench.job("fine", needs=("prepare/before",))])["prepare/fine"].status is Status.COMPLETE
        local.run([bench.job("raise")])
        later = local.run([bench.job("fine-1", needs=("prepare/raise",)), bench.job("fine-2", needs=("prepare/fine",))])
    assert later.keys() == {"prepare/fine-1", "prepare/fine-2"}
    assert later["prepare/fine-1"].status is Status.FAILED
    assert later["prepare/fine-2"].status is Status.COMPLETE


def test_jobs_that_wait_for_each_other_end(bench: Bench) -> None:
    outcomes = bench.run(
        bench.job("fine-1", needs=("prepare/fine-2",)),
        bench.job("fine-2", after=("prepare/fine-1",)),
        bench.job("fine"),
    )
    assert outcomes["prepare/fine"].status is Status.COMPLETE
    assert outcomes["prepare/fine-1"].reason.startswith("waits for prepare/fine-2, which in turn waits for it")
    assert {outcome.status for one, outcome in outcomes.items() if one != "prepare/fine"} == {Status.FAILED}


def test_two_jobs_with_one_id_are_refused(bench: Bench) -> None:
    with pytest.raises(ValueError, match="two jobs have the id prepare/fine"):
        bench.run(bench.job("fine"), bench.job("fine"))


def test_no_jobs_no_outcomes(bench: Bench) -> None:
    assert bench.run() == {}


def test_never_more_cores_than_given_and_as_many_as_possible(bench: Bench) -> None:
    jobs = [bench.job(f"sleep-0.1-{n}", cores=cores) for n, cores in enumerate((1, 2, 1, 3, 1, 1, 2, 9, 1))]
    outcomes = bench.run(*jobs, cores=3)
    assert {outcome.status for outcome in outcomes.values()} == {Status.COMPLETE}
    notes = bench.notes()
    assert peak(notes, lambda note: min(note["cores"], 3)) == 3
    assert peak([note for note in notes if note["cores"] == 9], lambda note: 1) == 1


def test_gpus_are_nobody_elses(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,7")
    options = Options(device="gpu")
    jobs = [bench.job(f"sleep-0.1-{n}", devices=devices, options=options) for n, devices in enumerate((1, 2, 1, 3, 2, 1))]
    outcomes = bench.run(*jobs, bench.job("fine", devices=4, options=options), cores=9, gpus=3)
    for first in (notes := bench.notes()):
        now = [note for note in notes if note["began"] <= first["began"] < note["ended"]]
        taken = [gpu for note in now for gpu in note["gpus"].split(",")]
        assert len(taken) == len(set(taken)), "one GPU was given to two jobs"
        assert set(taken) <= {"4", "5", "7"}
    assert sorted(len(note["gpus"].split(",")) for note in notes) == [1, 1, 1, 2, 2, 3]
    assert outcomes["prepare/fine"].status is Status.NO_DEVICES
    assert outcomes["prepare/fine"].reason == "needs 4 GPUs, but this machine has 3: choose fewer with --devices"


def test_on_the_cpu_no_gpu_is_visible(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    bench.run(bench.job("fine", devices=2), gpus=2)
    assert [note["gpus"] for note in bench.notes()] == [""]


def test_listeners_hear_of_everything(bench: Bench) -> None:
    outcomes = bench.run(bench.job("fine"), bench.job("raise"), bench.job("fine-1", needs=("prepare/raise",)), cores=1)
    told = [(event.kind, event.job.id, event.done) for event in bench.events if event.job]
    assert told == [
        ("started", "prepare/raise", 0),  # it goes first because another one waits for it
        ("ended", "prepare/raise", 1),
        ("ended", "prepare/fine-1", 2),
        ("started", "prepare/fine", 2),
        ("ended", "prepare/fine", 3),
    ]
    assert {event.total for event in bench.events} == {3}
    assert bench.events[-1].outcome == outcomes["prepare/fine"]
    assert bench.events[-1].running == ()
