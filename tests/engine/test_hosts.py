"""What becomes of hosts, and of everything when the coordinator ends. Real processes, no frameworks."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from suite.engine.events import Event
from suite.records import Provisioned, Status
from tests.engine.bench import ENTRY, FAKE, PROJECT, Bench, all_gone
from tests.processes import alive, until


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_hosts_stay_warm_and_are_one_per_environment(bench: Bench) -> None:
    other = dataclasses.replace(FAKE, name="other")
    provisioned = {one.name: Provisioned(environment=one, python=sys.executable) for one in (FAKE, other)}
    with bench.local(provisioned=provisioned, timeout=0.5) as local:
        for number in range(2):
            local.run([bench.job(f"hang-{number}")])
            local.run([bench.job(f"hang-{number}-other", environment=other)])
    hosts = [pids[0] for pids in bench.pids(4)]
    assert len(set(hosts)) == 2
    assert not any(map(alive, hosts))


def test_a_job_whose_host_is_killed_fails_and_the_next_one_runs(bench: Bench) -> None:
    def kill(event: Event) -> None:
        if event.kind == "started" and event.job and event.job.scenario == "hang":
            os.kill(bench.pids()[0][0], signal.SIGKILL)

    bench.react = kill
    outcomes = bench.run(bench.job("hang"), bench.job("fine"), cores=1)
    assert outcomes["prepare/hang"].status is Status.FAILED
    assert outcomes["prepare/hang"].reason == (
        "the host of environment 'fake' was killed by signal 9 (SIGKILL) while this job ran; try again with --rerun failed"
    )
    assert outcomes["prepare/fine"].status is Status.COMPLETE
    until(lambda: all_gone(bench.pids()))


def test_a_host_that_died_between_two_runs_is_replaced(bench: Bench) -> None:
    with bench.local(timeout=1.0) as local:
        local.run([bench.job("hang")])
        os.kill(bench.pids()[0][0], signal.SIGKILL)
        until(lambda: all_gone(bench.pids()))
        assert local.run([bench.job("fine")])["prepare/fine"].status is Status.COMPLETE


def test_a_host_that_dies_each_time_is_given_up(bench: Bench) -> None:
    killed: list[list[int]] = []

    def kill(event: Event) -> None:
        if event.kind == "started":
            [new] = [pids for pids in bench.pids(len(killed) + 1) if pids not in killed]
            killed.append(new)
            os.kill(new[0], signal.SIGKILL)

    bench.react = kill
    outcomes = bench.run(*(bench.job(f"hang-{number}") for number in range(6)), cores=1)
    statuses = [outcome.status for outcome in outcomes.values()]
    assert statuses == [Status.FAILED] * 4 + [Status.NO_ENVIRONMENT] * 2
    assert "died 4 times; the last time it was killed by signal 9" in outcomes["prepare/hang-5"].reason


def test_an_environment_that_could_not_be_provisioned(bench: Bench) -> None:
    other = dataclasses.replace(FAKE, name="other")
    provisioned = {
        "fake": Provisioned(environment=FAKE, python=sys.executable),
        "other": Provisioned(environment=other, reason="pip: no matching distribution"),
    }
    unknown = dataclasses.replace(FAKE, name="unknown")
    missing = {"missing": Provisioned(environment=dataclasses.replace(FAKE, name="missing"), python="/no/such/python")}
    outcomes = bench.run(
        bench.job("fine-1", environment=other),
        bench.job("fine-2"),
        bench.job("fine-3", environment=unknown),
        bench.job("fine-4", environment=missing["missing"].environment),
        provisioned=provisioned | missing,
    )
    assert [outcome.status for outcome in outcomes.values()] == [
        Status.NO_ENVIRONMENT, Status.COMPLETE, Status.NO_ENVIRONMENT, Status.NO_ENVIRONMENT,
    ]  # fmt: skip
    assert outcomes["prepare/fine-1"].reason == "pip: no matching distribution"
    assert outcomes["prepare/fine-3"].reason == "environment 'unknown' was not provisioned"
    assert outcomes["prepare/fine-4"].reason.startswith("/no/such/python cannot be started")


def test_an_environment_that_cannot_be_imported(bench: Bench) -> None:
    outcome = bench.run(bench.job("fine"), entry="nowhere:main")["prepare/fine"]
    assert outcome.status is Status.NO_ENVIRONMENT
    assert outcome.reason == (
        "the host of environment 'fake' ended with exit code 1 during its imports: "
        "ModuleNotFoundError: No module named 'nowhere'"
    )
    assert "Traceback" in outcome.log


def test_a_host_that_dies_in_its_imports_without_a_word(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "silent.py").write_text("import os\nos._exit(1)\n")
    silent = dataclasses.replace(FAKE, pythonpath=(str(tmp_path),))
    outcome = bench.run(bench.job("fine", environment=silent), entry="silent:main")["prepare/fine"]
    assert outcome.reason == "the host of environment 'fake' ended with exit code 1 during its imports"


def test_an_import_that_hangs(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite.engine.dispatch.IMPORT_SECONDS", 1.5)
    (tmp_path / "endless.py").write_text("import time\ntime.sleep(1000)\n")
    slow = dataclasses.replace(FAKE, pythonpath=(str(tmp_path),))
    outcome = bench.run(bench.job("fine", environment=slow), entry="endless:main", timeout=1.0)["prepare/fine"]
    assert outcome.status is Status.NO_ENVIRONMENT
    assert "did not finish its imports within 1.5 s" in outcome.reason


def test_a_host_that_cannot_be_forked_says_so_and_does_its_jobs(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "touching.py").write_text(
        "from stand_in import main\nfrom suite.runner import driver\ndriver.initialized = lambda backend: 'a "
        "device is in use'\n"
    )
    touching = dataclasses.replace(FAKE, pythonpath=(*FAKE.pythonpath, str(tmp_path)))
    jobs = [bench.job(what, environment=touching) for what in ("fine", "raise", "hang")]
    outcomes = bench.run(*jobs, entry="touching:main", timeout=2.0)
    assert [outcome.status for outcome in outcomes.values()] == [Status.COMPLETE, Status.FAILED, Status.TIMED_OUT]
    notes = [event.note for event in bench.events if event.kind == "noted"]
    assert notes == ["fake: a device is in use: jobs start as new processes, which takes longer"]
    assert all_gone(bench.pids())


# ---------------------------------------------------------------- the end of everything

COORDINATOR = """
import dataclasses, sys
from pathlib import Path
from tests.engine.bench import FAKE, Bench
folder, entry, *paths = sys.argv[1:]
bench = Bench(Path(folder))
environment = dataclasses.replace(FAKE, pythonpath=(*FAKE.pythonpath, *paths))
bench.run(*(bench.job(what, environment=environment) for what in ("hang-1", "hang-2", "fine")), entry=entry)
"""


def start_coordinator(bench: Bench, entry: str = ENTRY, *paths: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COORDINATOR, str(bench.folder), entry, *paths],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT), str(Path(__file__).parent)])},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_coordinator_that_ends_leaves_nothing_behind(bench: Bench, number: signal.Signals) -> None:
    coordinator = start_coordinator(bench)
    pids = bench.pids(2)
    coordinator.send_signal(number)
    _, told = coordinator.communicate(timeout=10)
    until(lambda: all_gone(pids))
    assert coordinator.returncode == -number
    if number == signal.SIGINT:
        assert told.rstrip().endswith("KeyboardInterrupt")


def test_an_interrupted_run_has_ended_its_jobs_when_it_raises(bench: Bench) -> None:
    def interrupt(event: Event) -> None:
        if event.kind == "started" and bench.pids():
            raise KeyboardInterrupt

    bench.react = interrupt
    with bench.local() as local:
        with pytest.raises(KeyboardInterrupt):
            local.run([bench.job("hang")])
        assert all_gone(bench.pids())


def test_an_interrupted_import_leaves_nothing_behind(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text(
        f"import os, pathlib, time\npathlib.Path({str(tmp_path)!r}, 'host').write_text(str(os.getpid()))\ntime.sleep(1000)\n"
    )
    slow = dataclasses.replace(FAKE, pythonpath=(str(tmp_path),))

    def interrupt(event: Event) -> None:
        if (tmp_path / "host").exists():
            raise KeyboardInterrupt

    bench.react = interrupt
    with pytest.raises(KeyboardInterrupt):
        bench.run(bench.job("fine", environment=slow), entry="endless:main")
    until(lambda: not alive(int((tmp_path / "host").read_text())))


def test_a_coordinator_that_is_killed_during_an_import_leaves_nothing_behind(bench: Bench) -> None:
    (bench.folder / "endless.py").write_text(
        f"import os, pathlib, time\npathlib.Path({str(bench.folder)!r}, 'pids-1').write_text(f'[{{os.getpid()}}]')\n"
        "time.sleep(1000)\n"
    )
    coordinator = start_coordinator(bench, "endless:main", str(bench.folder))
    pids = bench.pids()
    coordinator.kill()
    coordinator.communicate(timeout=10)
    until(lambda: all_gone(pids))
