"""Scenarios that are judged at once, in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from suite.artifacts.store import Store
from suite.commands import main
from suite.records import Results
from suite.results.shares import Apart, Here
from suite.results.study import Study
from tests.conftest import Parity
from tests.processes import until

ROOT = Path(__file__).parents[2]
NAMES = ("bars", "clusters", "dots")
AT_WORK = """
import sys
from pathlib import Path
from suite.artifacts.store import Store
from suite.results.study import Study

store = Store(Path(sys.argv[1]))
plan = store.read_plan()
study = Study(store, plan, store.read_session(plan), processes=2)
print(*(share._process.pid for share in study._shares), flush=True)
input()
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with three scenarios in which two environments differ, on one device and on two, with everything that
    was asked for after the plan."""
    parity = Parity(tmp_path_factory.mktemp("shares"))
    for name in NAMES:
        parity.scenario(name)
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_DEFECT": "swapped"}})
    scenarios = [word for name in NAMES for word in ("--scenario", name)]
    assert main(parity.arguments(*scenarios, "--steps", "2", "--jobs", "2", "--keep", "all")) == 1
    return parity.run


def study(run: Path, processes: int) -> Study:
    store = Store(run)
    plan = store.read_plan()
    return Study(store, plan, store.read_session(plan), processes=processes)


def judged(found: Study) -> Results:
    """At no time of day."""
    return replace(found.results(), generated="")


@pytest.fixture
def apart(run: Path) -> Iterator[Study]:
    found = study(run, 2)
    assert [type(share) for share in found._shares] == [Apart] * len(NAMES)
    yield found
    for process in multiprocessing.active_children():
        process.kill()


def test_processes_of_their_own_come_to_the_same(run: Path, apart: Study) -> None:
    alone = study(run, 1)
    assert [type(share) for share in alone._shares] == [Here]
    assert {pair.scenario for pair in alone.results().pairs} == set(NAMES)
    assert judged(apart) == judged(alone)


def test_they_ask_for_the_same_and_take_what_has_run(run: Path, apart: Study) -> None:
    """From before anything was asked for."""
    alone, later = study(run, 1), apart.folder.session
    assert later.further, "the comparison asks for something"
    earlier = replace(later, further=())
    for found in (alone, apart):
        found.renew(earlier)
    asked = [set(found.further_runs()) for found in (alone, apart)]
    assert asked[0] == asked[1] and asked[0] <= set(later.further)
    for found in (alone, apart):
        found.renew(later)
    assert judged(apart) == judged(alone)


@pytest.mark.parametrize("asked", [False, True])
def test_a_share_whose_process_is_killed_is_judged_all_the_same(run: Path, apart: Study, asked: bool) -> None:
    if asked:
        apart.further_runs()
    first = apart._shares[0]
    assert isinstance(first, Apart)
    first._process.kill()
    first._process.join()
    apart.renew(apart.folder.session)
    with pytest.warns(UserWarning, match=r"a process that judged scenarios has ended \(exit code -9\)"):
        found = judged(apart)
    assert found == judged(study(run, 1))
    assert not apart.further_runs(), "it goes on in this process"


def test_an_interrupt_is_for_the_command_alone(run: Path, apart: Study) -> None:
    apart.further_runs()
    for share in apart._shares:
        assert isinstance(share, Apart) and share._process.pid
        os.kill(share._process.pid, signal.SIGINT)
    assert judged(apart) == judged(study(run, 1))


def test_no_process_outlives_a_command_that_is_killed(run: Path) -> None:
    command = [sys.executable, "-c", AT_WORK, str(run)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        assert len(pids) == len(NAMES) and all(map(psutil.pid_exists, pids))
        process.kill()
    until(lambda: not any(map(psutil.pid_exists, pids)), seconds=60.0)
