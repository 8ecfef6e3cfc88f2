"""What `parity plan` says of time and disk: what was measured, or that it is not known."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from suite.artifacts import names
from suite.artifacts.store import Store
from suite.commands import costs, main
from suite.records import Configuration, Environment, Job, Options, Outcome, Status, plain
from suite.records.measured import Measured, Sample, Timed, work_of
from tests.conftest import Parity
from tests.pipeline.fake_runs import CLEAN

TRAIN = Job(
    kind="train",
    run_folder="",
    environment=Environment(name="fake-a", backend="fake"),
    options=Options(),
    scenario="small",
    runs=(plain(Configuration(scenario="small", environment="fake-a", strategy="single", devices=1)),),
)
LARGE = replace(TRAIN, scenario="large", runs=(plain(replace(TRAIN.runs[0].configuration, scenario="large")),))


def planned(parity: Parity, capsys: pytest.CaptureFixture[str], *extra: str) -> list[str]:
    """What `parity plan` says of time and disk."""
    capsys.readouterr()
    assert main(["plan", *parity.arguments("--devices", "1", "--jobs", "2", *extra)[1:]]) == 0
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith(("time:", "disk:"))]


def measured(*timed: tuple[Job, float], further: bool = False) -> Measured:
    return Measured(
        jobs={job.id: Timed(work=replace(work_of(job), further=further), seconds=seconds) for job, seconds in timed}
    )


def test_before_anything_ran_nothing_is_known_and_nothing_is_written(
    parity: Parity, capsys: pytest.CaptureFixture[str]
) -> None:
    parity.scenario("clusters")
    parity.environments(CLEAN)
    time, disk = planned(parity, capsys)
    assert time == (
        f"time: not known for clusters, of which nothing was timed in {parity.run} yet; "
        "--measure trains the first steps to find out"
    )
    assert disk.startswith("disk: not known for clusters: how large the model is shows in its first run")
    assert not parity.run.exists()


def test_a_folder_in_which_it_ran_says_what_it_took(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    parity.scenario("clusters")
    parity.environments(CLEAN)
    main(parity.arguments("--devices", "1"))
    data = (parity.run / names.INPUTS / "clusters" / names.file_of(names.DATA)).stat().st_size
    assert planned(parity, capsys)[0] == "time: nothing is left to run"
    time, disk = planned(parity, capsys, "--rerun", "all")
    assert time.startswith(f"time: about 10 s, 2 processes at once, as timed in {parity.run}")
    assert disk.startswith(f"disk: at most {(2 * (4 << 20) + data) / 1e6:.2g} MB once it is judged, data included; ")
    assert disk.endswith(f"KB before, as measured in {parity.run}")
    assert planned(parity, capsys, "--keep", "all")[1].startswith("disk: everything is kept, ")
    assert "with a different number of steps" in planned(parity, capsys, "--steps", "3")[0]
    parity.scenario("other")
    time, *disks = planned(parity, capsys, "--rerun", "all")
    assert f"; not known for other, of which nothing was timed in {parity.run} yet; --measure " in time
    assert len(disks) == 2


def test_the_first_steps_say_how_long_all_take_and_how_large_it_is(
    parity: Parity, capsys: pytest.CaptureFixture[str]
) -> None:
    parity.scenario("clusters")
    parity.environments(CLEAN)
    time, disk = planned(parity, capsys, "--measure")
    assert re.fullmatch(
        r"time: about \d+ s, 2 processes at once, from 3 training steps of clusters in each environment; "
        "runs that are asked for where something is open come on top",
        time,
    )
    assert disk.startswith("disk: at most ")
    assert {one.name for one in parity.run.iterdir()} == {names.MEASURED, names.LOCK}, "nothing that a command reuses"
    sample = costs.read(Store(parity.run)).samples["clusters"]
    assert sample.steps == 25 and sample.model > 0 and sample.data > 0
    assert sample.process.keys() == sample.step.keys() == CLEAN.keys()
    assert planned(parity, capsys) == [time, disk], "it is kept"
    main(parity.arguments("--devices", "1"))
    assert "as timed in" in planned(parity, capsys, "--rerun", "all")[0]


def test_what_does_not_run_leaves_the_time_unknown(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    parity.scenario("clusters")
    parity.environments({"fake-a": {"PARITY_FAKE_DEFECT": "raise"}})
    assert planned(parity, capsys, "--measure")[0].startswith("time: not known for clusters")


def test_of_first_steps_further_runs_take_a_quarter_and_further_steps_their_time() -> None:
    sample = Sample(device="cpu", steps=20, model=8, data=8, process={"fake-a": 8.0}, step={"fake-a": 0.5})
    known = Measured(samples={"small": sample})
    more = 17 * 0.5
    assert costs.duration(known, [TRAIN], 1).seconds == 8 + more
    five = replace(TRAIN, runs=tuple(replace(TRAIN.runs[0], variation="permuted", index=index) for index in range(5)))
    assert costs.duration(known, [five], 1).seconds == 16 + 5 * more
    assert costs.duration(known, [replace(TRAIN, options=Options(steps=3), devices=2)], 1).seconds == 16
    assert costs.duration(known, [replace(TRAIN, kind="reload")], 1).seconds == 8
    elsewhere = replace(TRAIN, environment=replace(TRAIN.environment, name="fake-b"))
    assert costs.duration(known, [elsewhere], 1).unknown == ("small",)
    on_gpu = replace(TRAIN, options=Options(device="gpu"))
    assert costs.duration(known, [on_gpu], 1).unknown == ("small",)
    assert costs.duration(replace(known, jobs=measured((TRAIN, 3.0)).jobs), [TRAIN], 1).sampled == ()


def test_as_many_processes_as_processors_are_expected(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    parity.scenario("clusters")
    parity.environments(CLEAN)
    main(parity.arguments("--devices", "1"))
    capsys.readouterr()
    assert main(["plan", *parity.arguments("--devices", "1", "--rerun", "all")[1:]]) == 0
    assert f" {os.cpu_count()} processes at once" in capsys.readouterr().out


def test_jobs_overlap_and_the_longest_takes_as_long_as_it_takes() -> None:
    known = measured((TRAIN, 10.0), (LARGE, 50.0))
    assert costs.duration(known, [TRAIN] * 3, 2).seconds == 15
    assert costs.duration(known, [TRAIN, LARGE], 2).seconds == 50
    assert costs.duration(known, [], 2) == costs.Duration(
        seconds=0, further=0, timed=False, sampled=(), unknown=(), other_length=False
    )


def test_another_device_says_nothing() -> None:
    on_gpu = replace(TRAIN, options=Options(device="gpu"))
    found = costs.duration(measured((on_gpu, 10.0)), [TRAIN], 2)
    assert (found.seconds, found.unknown) == (0, ("small",))


def test_what_decided_the_last_time_counts_beside() -> None:
    step = replace(TRAIN, runs=(replace(TRAIN.runs[0], variation="single-step"),))
    known = Measured(jobs={**measured((TRAIN, 10.0)).jobs, **measured((step, 6.0), further=True).jobs})
    found = costs.duration(known, [TRAIN], 2)
    assert (found.seconds, found.further) == (10, 3)
    assert costs.duration(known, [LARGE], 2).further == 0


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(job=TRAIN.id, status=Status.FAILED, seconds=3.0),
        Outcome(job=TRAIN.id, status=Status.COMPLETE, seconds=3.0, died="it was killed"),
    ],
    ids=["failed", "the second attempt"],
)
def test_what_failed_is_no_measure(tmp_path: Path, outcome: Outcome) -> None:
    store = Store(tmp_path)
    costs.learn(store, [TRAIN], {TRAIN.id: outcome}, further=False)
    assert costs.read(store) == Measured()
    costs.learn(store, [TRAIN], {TRAIN.id: replace(outcome, status=Status.COMPLETE, died="")}, further=False)
    assert costs.read(store).jobs[TRAIN.id].seconds == 3.0


def test_what_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    (tmp_path / names.MEASURED).write_text('{"jobs": 3}')
    assert costs.read(Store(tmp_path)) == Measured()
