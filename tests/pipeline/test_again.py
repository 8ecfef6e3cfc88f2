"""The whole pipeline with the fake backend, again: after a crash, after damage, after a kill, and with nothing to do."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from suite.artifacts import names
from suite.artifacts.store import Store
from suite.commands import main
from suite.records import Status, Verdict
from tests.conftest import Parity
from tests.pipeline.fake_runs import CLEAN, ONE, artifact, compared, injected, pair, rows, trained, written


def test_a_worker_that_crashed_once_is_reported_for_good(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    code, results = injected(parity, "crash")
    died = {name: row.died for name, row in rows(results).items() if row.died}
    assert code == 0
    assert {row.status for row in results.runs} == {Status.COMPLETE}
    assert set(died) == set(trained(results, "fake-b"))
    log = "logs/train__clusters__fake-b__fake-x2__plain.log"
    words = f"the worker was killed by signal 11 (SIGSEGV), see {log}"
    assert died["clusters/fake-b/fake-x2/plain"] == died["clusters/fake-b/fake-x2/repeat-1"] == words
    assert "Fatal Python error: Segmentation fault" in (parity.run / log).read_text()
    assert f"started once more: train/clusters/fake-b/fake-x2/plain: {words}" in capsys.readouterr().err
    for report in ("index.html", "summary.md", "junit.xml"):
        assert "the worker was killed by signal 11" in (parity.run / report).read_text().replace("\\", "")
    # Nothing of the first attempt is left, and a later command that judges again knows of it.
    assert not list(parity.run.glob("runs/**/left.safetensors"))
    assert pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}").verdict is Verdict.ROUNDING
    (parity.run / names.JUDGED).unlink()
    _, again = compared(parity)
    assert {name: row.died for name, row in rows(again).items() if row.reused and row.died} == died


def test_nothing_is_repeated_that_has_not_changed(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    source = parity.scenario("clusters")
    parity.environments(CLEAN)
    _, first = compared(parity)
    capsys.readouterr()
    (parity.run / names.JUDGED).unlink()
    _, second = compared(parity)
    assert "28 runs reused" in capsys.readouterr().out
    assert [name for name, row in rows(second).items() if row.reused] == list(rows(first))
    assert len(first.plan.runs) == 28
    assert second.pairs == first.pairs

    source.write_text(source.read_text().replace("steps=25", "steps=24"))
    _, third = compared(parity)
    assert not any(row.reused for row in third.runs)
    _, fourth = compared(parity, "--rerun", "all")
    assert not any(row.reused for row in fourth.runs)


@pytest.mark.parametrize("again", ["failed", "all"])
def test_a_result_of_an_earlier_command_is_none_of_a_run_that_failed(parity: Parity, again: str) -> None:
    source = parity.scenario("clusters")
    spoiled = parity.folder / "spoiled"
    lines = f"    import os\n    assert not os.path.exists({str(spoiled)!r}), 'no rows today'\n    import numpy as np\n"
    source.write_text(source.read_text().replace("    import numpy as np\n", lines))
    parity.environments(CLEAN)
    assert compared(parity)[0] == 0
    spoiled.touch()
    if again == "failed":
        source.write_text(source.read_text().replace("steps=25", "steps=24"))
    code, results = compared(parity, "--rerun", again)
    assert code == 2
    assert {row.status for row in results.runs} == {Status.FAILED}
    assert all("no rows today" in row.reason for row in results.runs)


def test_a_damaged_artifact_is_run_again(parity: Parity) -> None:
    parity.scenario("clusters")
    parity.environments(CLEAN)
    compared(parity)
    damaged = artifact(parity, "fake-b", devices=1) / names.file_of(names.step(25))
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    main(["report", "--out", str(parity.run)])
    assert "its sha256 differs" in rows(written(parity))["clusters/fake-b/fake-x1/plain"].reason
    code, results = compared(parity)
    assert [name for name, row in rows(results).items() if not row.reused] == ["clusters/fake-b/fake-x1/plain"]
    assert pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}").verdict is Verdict.ROUNDING
    assert code == 0


def test_a_manifest_that_cannot_be_read_is_not_called_a_run_that_never_started(parity: Parity) -> None:
    parity.scenario("clusters")
    parity.environments(CLEAN)
    compared(parity)
    manifest = artifact(parity, "fake-b", devices=1) / names.MANIFEST
    manifest.write_text(manifest.read_text().replace('"neutral bias"', '"P"'))  # as version 0.1 wrote it
    main(["report", "--out", str(parity.run)])
    reason = rows(written(parity))["clusters/fake-b/fake-x1/plain"].reason
    assert reason.startswith("its manifest is damaged, or a different version of the suite wrote it: run it again")


def test_a_killed_command_goes_on_from_where_it_was(parity: Parity) -> None:
    parity.scenario("clusters")
    parity.environments({**CLEAN, "fake-b": {"PARITY_FAKE_DEFECT": "hang"}})
    command = [sys.executable, "-m", "suite", *parity.arguments("--jobs", "2")]
    finished = artifact(parity, "fake-a", devices=2, precision="float64") / names.MANIFEST
    until = time.monotonic() + 60
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while not (finished.exists() and json.loads(finished.read_text())["status"] == "complete"):
                assert time.monotonic() < until and process.poll() is None
                time.sleep(0.05)
        finally:
            process.kill()
    parity.environments(CLEAN)
    _, results = compared(parity)
    assert {row.run.configuration.environment for row in results.runs if row.reused} == {"fake-a"}
    assert rows(results)["clusters/fake-a/fake-x2/plain-float64"].reused
    assert {row.status for row in results.runs} == {Status.COMPLETE}


def test_a_second_command_in_the_folder_is_refused(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    parity.scenario("clusters")
    parity.environments(CLEAN)
    with Store(parity.run).lock():
        assert main(parity.arguments()) == 2
    assert "is in use by another command; wait for it, or choose another folder with --out" in capsys.readouterr().err
