"""The exit code of the whole pipeline with the fake backend, and the sentence for a wrong command line."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from suite.commands import main
from suite.records import Broken, Status, Verdict
from tests.conftest import Parity
from tests.pipeline.fake_runs import CLEAN, compared


def test_everything_equal_is_0(parity: Parity) -> None:
    parity.scenario("synchronized", synchronized=True)
    parity.environments(CLEAN)
    code, results = compared(parity)
    assert code == results.exit_code == 0
    assert parity.results()["answer"].startswith("Yes. ")


def test_the_gate_decides_what_fails(parity: Parity) -> None:
    parity.scenario("synchronized", synchronized=True)
    parity.environments(CLEAN)
    code, _ = parity.compare("--fail-on", "rounding")
    assert code == 1
    assert main(["report", "--out", str(parity.run), "--fail-on", "different"]) == 0


def test_no_pairs_is_no_success(parity: Parity) -> None:
    parity.scenario("clusters")
    parity.environments({"fake-a": {}})
    code, results = compared(parity, "--devices", "1")
    assert code == results.exit_code == 2
    assert results.pairs == ()


def test_a_broken_scenario_is_3_and_the_others_run(parity: Parity) -> None:
    parity.scenario("clusters")
    (parity.folder / "scenarios" / "broken.py").write_text("import sys\n\nsys.exit('out')\n")
    parity.environments(CLEAN)
    code, results = compared(parity)
    assert code == results.exit_code == 3
    source = f"{parity.folder / 'scenarios' / 'broken.py'}:3"
    assert results.broken == (Broken(name="broken", source=source, reason="SystemExit: out"),)
    assert {row.status for row in results.runs} == {Status.COMPLETE}


@pytest.mark.parametrize("code", ["import os\nos._exit(0)", "raise KeyboardInterrupt"])
def test_a_scenario_that_ends_its_process_at_import_is_3_and_the_others_run(parity: Parity, code: str) -> None:
    parity.scenario("clusters", synchronized=True)
    (parity.folder / "scenarios" / "broken.py").write_text(f"{code}\n")
    parity.environments(CLEAN)
    found, results = compared(parity, "--devices", "1")
    assert found == results.exit_code == 3
    assert [one.name for one in results.broken] == ["broken"] and len(results.pairs) == 1
    assert {row.status for row in results.runs} == {Status.COMPLETE}


def test_a_worker_that_ends_without_a_result_is_2_and_every_run_says_so(parity: Parity) -> None:
    source = parity.scenario("clusters")
    source.write_text(source.read_text().replace("    import numpy as np\n", "    import os\n    os._exit(0)\n"))
    parity.environments(CLEAN)
    code, results = compared(parity, "--devices", "1")
    assert code == 2 and results.pairs[0].verdict is Verdict.NOT_RUN
    assert {row.status for row in results.runs} == {Status.FAILED}
    assert all("ended without a result (exit code 0)" in row.reason for row in results.runs)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["compare", "--scenario", "nobody"], 4, "no scenario 'nobody'; there are article-mlp"),
        (["compare", "--backend", "caffe"], 4, "no backend or environment 'caffe'"),
        (["compare", "--environments", "nowhere.toml"], 3, "nowhere.toml cannot be read"),
        (["compare", "--devices", "0"], 4, "wanted a whole number of at least 1"),
        (["compare", "--devices", "two"], 4, "invalid"),
        (["report", "--out", "nowhere"], 4, "nowhere is no run folder: give one that `parity compare` wrote"),
        (["nonsense"], 4, "invalid choice"),
    ],
)
def test_usage_is_a_sentence(
    arguments: list[str],
    code: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    more = ["--device", "cpu", "--out", str(tmp_path / "run")] if arguments[0] == "compare" else []
    assert main([*arguments, *more]) == code
    assert words in capsys.readouterr().err


def test_a_batch_that_does_not_divide_is_refused_before_anything_starts(parity: Parity) -> None:
    parity.scenario("clusters")
    parity.environments(CLEAN)
    code, results = compared(parity, "--devices", "1,3")
    refused = [row for row in results.runs if row.run.configuration.devices == 3]
    assert {row.status for row in refused} == {Status.UNSUPPORTED}
    assert {row.reason for row in refused} == {"the global batch of 32 does not divide by 3 devices"}
    assert {run for run, _, _ in results.plan.refused} == {row.run for row in refused}
    assert code == 0


def test_files_that_may_not_grow_are_2_and_what_was_finished_is_kept(parity: Parity) -> None:
    parity.scenario("clusters", synchronized=True)
    parity.environments(CLEAN)
    command = shlex.join([sys.executable, "-m", "suite", *parity.arguments("--devices", "1")])
    # Coverage writes a file of its own in every process, which may not grow either.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    limited = ["bash", "-c", f"ulimit -f 24; {command}"]
    done = subprocess.run(limited, capture_output=True, text=True, check=False, env=unmeasured)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "files may not become that large here: raise the limit (ulimit -f)" in done.stderr
    code, results = compared(parity, "--devices", "1")
    assert code == 0 and any(row.reused for row in results.runs)
