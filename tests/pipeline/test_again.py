"""The whole pipeline with the fake backend, again: after a crash, after damage, after a kill, and with nothing to do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from suite.commands import main
from tests.conftest import Parity
from tests.pipeline.fake_runs import CLEAN, ONE, injected, pair


def test_a_worker_that_crashed_once_is_told_of_for_good(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    code, results = injected(parity, "crash")
    rows = {run["id"]: run for run in results["runs"]}
    died = {name: run["died"] for name, run in rows.items() if run["died"]}
    assert code == 0
    assert {run["status"] for run in rows.values()} == {"complete"}
    assert set(died) == {name for name, run in rows.items() if run["environment"] == "fake-b"}
    log = "logs/train__clusters__fake-b__fake-x2__plain.log"
    words = f"the worker was killed by signal 11 (SIGSEGV), see {log}"
    assert died["clusters/fake-b/fake-x2/plain"] == died["clusters/fake-b/fake-x2/repeat-1"] == words
    assert "Fatal Python error: Segmentation fault" in (parity.run / log).read_text()
    assert f"started once more: train/clusters/fake-b/fake-x2/plain: {words}" in capsys.readouterr().err
    for report in ("index.html", "summary.md", "junit.xml"):
        assert "the worker was killed by signal 11" in (parity.run / report).read_text().replace("\\", "")
    # Nothing of the first attempt is left, and a later command knows of it.
    assert not list(parity.run.glob("runs/**/left.safetensors"))
    assert pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}")["verdict"] == "rounding"
    _, again = parity.compare()
    assert {run["id"]: run["died"] for run in again["runs"] if run["reused"] and run["died"]} == died


def test_nothing_is_repeated_that_has_not_changed(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    source = parity.scenario("clusters")
    parity.environments(CLEAN)
    _, first = parity.compare()
    capsys.readouterr()
    _, second = parity.compare()
    assert "26 runs reused" in capsys.readouterr().out
    assert [run["id"] for run in second["runs"] if run["reused"]] == [run["id"] for run in first["runs"]]
    assert second["pairs"] == first["pairs"]

    source.write_text(source.read_text().replace("steps=25", "steps=24"))
    _, third = parity.compare()
    assert not any(run["reused"] for run in third["runs"])
    _, fourth = parity.compare("--rerun", "all")
    assert not any(run["reused"] for run in fourth["runs"])


@pytest.mark.parametrize("again", ["failed", "all"])
def test_what_an_earlier_command_left_is_no_result_of_a_run_that_failed(parity: Parity, again: str) -> None:
    source = parity.scenario("clusters")
    spoiled = parity.folder / "spoiled"
    rows = f"    import os\n    assert not os.path.exists({str(spoiled)!r}), 'no rows today'\n    import numpy as np\n"
    source.write_text(source.read_text().replace("    import numpy as np\n", rows))
    parity.environments(CLEAN)
    assert parity.compare()[0] == 0
    spoiled.touch()
    if again == "failed":
        source.write_text(source.read_text().replace("steps=25", "steps=24"))
    code, results = parity.compare("--rerun", again)
    assert code == 2
    assert {run["status"] for run in results["runs"]} == {"failed"}
    assert all("no rows today" in run["reason"] for run in results["runs"])


def test_a_damaged_artifact_is_run_again(parity: Parity) -> None:
    parity.scenario("clusters")
    parity.environments(CLEAN)
    parity.compare()
    damaged = parity.run / "runs" / "clusters" / "fake-b" / "fake-x1" / "plain" / "step-25.safetensors"
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    main(["report", "--out", str(parity.run)])
    rows = {run["id"]: run for run in parity.results()["runs"]}
    assert "its sha256 differs" in rows["clusters/fake-b/fake-x1/plain"]["reason"]
    code, results = parity.compare()
    rows = {run["id"]: run for run in results["runs"]}
    assert [name for name, run in rows.items() if not run["reused"]] == ["clusters/fake-b/fake-x1/plain"]
    assert pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}")["verdict"] == "rounding"
    assert code == 0


def test_a_killed_command_goes_on_from_where_it_was(parity: Parity) -> None:
    parity.scenario("clusters")
    parity.environments({**CLEAN, "fake-b": {"PARITY_FAKE_DEFECT": "hang"}})
    command = [sys.executable, "-m", "suite", *parity.arguments("--jobs", "2")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    finished = parity.run / "runs" / "clusters" / "fake-a" / "fake-x2" / "float64" / "manifest.json"
    until = time.monotonic() + 60
    while not (finished.exists() and json.loads(finished.read_text())["status"] == "complete"):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    parity.environments(CLEAN)
    _, results = parity.compare()
    assert {run["environment"] for run in results["runs"] if run["reused"]} == {"fake-a"}
    assert {run["status"] for run in results["runs"]} == {"complete"}


def test_a_second_command_in_the_folder_is_refused(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    from suite.artifacts.store import Store

    parity.scenario("clusters")
    parity.environments(CLEAN)
    with Store(parity.run).lock():
        assert main(parity.arguments()) == 2
    assert "is in use by another command; wait for it, or choose another folder with --out" in capsys.readouterr().err
