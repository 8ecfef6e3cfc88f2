"""The whole pipeline with the fake backend: clean, with each injected defect, interrupted, damaged, repeated."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.__main__ import main
from suite.runner.numpy_backend.training import DEFECTS
from tests.conftest import Parity

CLEAN = {"fake-a": {"PARITY_FAKE_ORDER": "0"}, "fake-b": {"PARITY_FAKE_ORDER": "1"}}
ONE, TWO = "fake-x1", "fake-x2"


def pair(results: dict[str, Any], a: str, b: str) -> dict[str, Any]:
    found = [one for one in results["pairs"] if (a in one["a"] and b in one["b"]) or (a in one["b"] and b in one["a"])]
    assert len(found) == 1
    first: dict[str, Any] = found[0]
    return first


def checks(results: dict[str, Any], run: str, kind: str) -> set[str]:
    found = {check["verdict"] for check in results["checks"] if run in check["run"] and check["kind"] == kind}
    assert found
    return found


@pytest.fixture(scope="module")
def clean(parity_of: Callable[[str], Parity]) -> tuple[int, dict[str, Any]]:
    parity = parity_of("clean")
    parity.scenario("clusters")
    parity.scenario("synchronized", synchronized=True)
    parity.environments(CLEAN)
    return parity.compare()


def test_every_planned_run_is_a_row(clean: tuple[int, dict[str, Any]]) -> None:
    _, results = clean
    oracles = [run for run in results["runs"] if run["variation"] == "oracle"]
    assert len(oracles) == 2 + 2  # of each scenario's declarations: on one device, and on two
    assert results["plan"]["runs"] == 2 * 2 * 2 * 6 + len(oracles)
    assert {run["status"] for run in results["runs"]} == {"complete"}


def test_every_run_is_what_its_strategy_declares(clean: tuple[int, dict[str, Any]]) -> None:
    _, results = clean
    assert len(results["diagnoses"]) == 8
    assert all(one["distance"] < 1e-10 for one in results["diagnoses"])
    assert checks(results, "", "declared") <= {"identical", "rounding"}


def test_one_device_is_rounding(clean: tuple[int, dict[str, Any]]) -> None:
    _, results = clean
    found = pair(results, f"clusters/fake-a/{ONE}", f"clusters/fake-b/{ONE}")
    assert found["verdict"] == "rounding"
    assert not found["quantities"]["trainable weights"]["bits"]


def test_devices_differ_by_what_is_declared(clean: tuple[int, dict[str, Any]]) -> None:
    code, results = clean
    assert code == 0
    found = pair(results, f"clusters/fake-a/{ONE}", f"clusters/fake-a/{TWO}")
    assert found["verdict"] == "by design"
    assert "batch statistics: global or per replica" in found["cause"]
    assert pair(results, f"clusters/fake-a/{TWO}", f"clusters/fake-b/{TWO}")["verdict"] == "rounding"


def test_the_file_holds_the_first_replica_only(clean: tuple[int, dict[str, Any]]) -> None:
    _, results = clean
    assert checks(results, f"clusters/fake-a/{TWO}", "saved") == {"by design"}
    assert checks(results, f"clusters/fake-a/{TWO}", "replica") == {"by design"}
    assert checks(results, f"clusters/fake-a/{ONE}", "saved") == {"identical"}
    assert checks(results, "clusters/", "reloaded") == {"identical"}


def test_synchronized_agrees_everywhere(clean: tuple[int, dict[str, Any]]) -> None:
    _, results = clean
    found = {one["verdict"] for one in results["pairs"] if one["scenario"] == "synchronized"}
    assert found <= {"identical", "rounding"}
    assert checks(results, "synchronized/", "saved") == {"identical"}


def test_the_answer_counts_the_pairs(clean: tuple[int, dict[str, Any]]) -> None:
    _, results = clean
    assert results["answer"].startswith(
        "Not everywhere, and every difference is by design and was checked: across backends on one device, all 2 pairs agree; "
    )
    assert "with several devices, 6 of 10 pairs agree and 4 differ by design" in results["answer"]


# defect: (which pair shows it, its verdict, its cause, a quantity that shows it, quantities that stay clean)
WRONG = {
    "epsilon": (
        ONE,
        "different",
        "suspected: batch normalization adds another epsilon to the variance (0.00107422)",
        "trainable weights",
        (),
    ),
    "momentum": (
        ONE,
        "different",
        "suspected: moving statistics move with another momentum (0.9)",
        "moving statistics",
        ("trainable weights", "loss"),
    ),
    "bessel": (
        ONE,
        "different",
        "suspected: the moving variance is unbiased (divided by n - 1), the normalizing one is not",
        "moving statistics",
        ("trainable weights", "loss"),
    ),
    "rate": (
        ONE,
        "different",
        "suspected: the learning rate is multiplied by a constant (1.001)",
        "trainable weights",
        (),
    ),
    "summed": (
        TWO,
        "different",
        "suspected: gradients are summed over replicas, not averaged or the loss, or every gradient, is multiplied by a constant (the gradient, 2)",
        "trainable weights",
        (),
    ),
    "unreduced": (
        TWO,
        "different",
        "suspected: replicas do not exchange gradients (the first one's are used)",
        "trainable weights",
        (),
    ),
    "averaged": (
        TWO,
        "different",
        "suspected: it computes what another declaration says (averaged moving statistics)",
        "moving statistics",
        ("trainable weights", "loss"),
    ),
    "skipped": (
        ONE,
        "different",
        "suspected: moving statistics move with another momentum (1) or moving statistics are not updated",
        "moving statistics",
        ("trainable weights", "loss"),
    ),
    "initial": (
        ONE,
        "different",
        "suspected: a tensor starts at another value than the stored one (norm/beta)",
        "trainable weights",
        (),
    ),
    "order": (ONE, "different", "suspected: the first two batches are swapped", "trainable weights", ()),
    "nan": (ONE, "invalid", "output/bias holds NaN or infinity", "trainable weights", ()),
    "noise": (ONE, "noise", "the same run, repeated, differs as much", "trainable weights", ()),
}
PLACES = {
    "epsilon": "forward",
    "momentum": "moving statistics",
    "bessel": "moving statistics",
    "rate": "update",
    "summed": "gradient",
    "unreduced": "gradient",
    "averaged": "moving statistics",
    "skipped": "moving statistics",
    "initial": "initial state",
    "order": "trajectory",
}
BROKEN = {"raise": "failed", "hang": "timed out", "killed": "failed", "half": "failed"}
OTHER = {"unsaved", "swapped", "loaded", "demoted", "wide", "narrow", "crash"}  # tests of their own


def test_every_defect_is_tested() -> None:
    assert set(DEFECTS) == set(WRONG) | set(BROKEN) | OTHER


def injected(parity: Parity, defect: str, *extra: str) -> tuple[int, dict[str, Any]]:
    parity.scenario("clusters")
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_ORDER": "1", "PARITY_FAKE_DEFECT": defect}})
    return parity.compare(*extra)


@pytest.mark.parametrize("defect", WRONG)
def test_a_wrong_run_is_told_from_rounding(parity: Parity, defect: str) -> None:
    devices, verdict, cause, shown, kept = WRONG[defect]
    code, results = injected(parity, defect)
    found = pair(results, f"fake-a/{devices}", f"fake-b/{devices}")
    assert (found["quantities"][shown]["verdict"], found["quantities"][shown]["cause"]) == (verdict, cause)
    assert all(found["quantities"][name]["verdict"] in ("identical", "rounding") for name in kept)
    assert code == (0 if verdict == "noise" else 1)
    if verdict == "different":
        off = {one["run"]: one for one in results["diagnoses"] if one["distance"] and one["distance"] >= 1e-10}
        assert all("fake-b" in run for run in off)
        assert found["side"] == f"clusters/fake-b/{devices}/plain" in off
        assert all(suspect["whole"] and suspect["distance"] < 1e-10 for one in off.values() for suspect in one["suspects"])
        assert off[found["side"]]["place"]["stage"] == PLACES[defect]
    # The other side's own runs stay what they are.
    assert checks(results, f"fake-a/{ONE}", "saved") == {"identical"}


@pytest.mark.parametrize("defect", BROKEN)
def test_a_broken_run_is_a_row_with_its_reason(parity: Parity, defect: str) -> None:
    code, results = injected(parity, defect, "--timeout", "3")
    rows = [run for run in results["runs"] if run["environment"] == "fake-b"]
    assert {run["status"] for run in rows} == {BROKEN[defect]}
    assert all(run["reason"] for run in rows)
    assert all(run["status"] == "complete" for run in results["runs"] if run["environment"] == "fake-a")
    assert pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}")["verdict"] == "not run"
    assert code == 2
    assert "runs that failed" in results["answer"]


def test_statistics_that_are_not_saved_are_named(parity: Parity) -> None:
    _, results = injected(parity, "unsaved")
    saved = [check for check in results["checks"] if "fake-b/fake-x1" in check["run"] and check["kind"] == "saved"]
    assert {check["quantities"]["moving statistics"]["cause"] for check in saved} == {"not saved: norm/moving_variance"}
    assert pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}")["verdict"] == "rounding"


def test_tensors_swapped_in_the_file_are_found(parity: Parity) -> None:
    _, results = injected(parity, "swapped")
    saved = next(check for check in results["checks"] if "fake-b/fake-x1" in check["run"] and check["kind"] == "saved")
    assert saved["quantities"]["trainable weights"]["verdict"] == "different"
    assert saved["quantities"]["moving statistics"]["verdict"] == "identical"


def test_who_loads_a_right_file_wrongly_is_named(parity: Parity) -> None:
    _, results = injected(parity, "loaded")
    loaded = {check["run"].split("/")[1]: check for check in results["checks"] if check["kind"] == "reloaded"}
    assert loaded["fake-a"]["quantities"]["trainable weights"]["cause"].endswith("when it is loaded by fake-b")
    assert loaded["fake-b"]["verdict"] == "different"
    assert "fake-a" not in loaded["fake-b"]["cause"], "it loads what it is given as it is"


def test_a_demoted_float64_is_not_trusted(parity: Parity) -> None:
    _, results = injected(parity, "demoted")
    found = pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}")
    assert found["verdict"] == "inconclusive"
    assert "the float64 self-test of fake-b failed" in found["cause"]


def steps_of(results: dict[str, Any]) -> set[str]:
    return {run["id"] for run in results["runs"] if run["variation"] == "single-step" and run["precision"] == "float32"}


def test_a_kernel_that_is_unstable_only_after_some_training_is_found(parity: Parity) -> None:
    code, results = injected(parity, "wide")
    assert code == 1
    for devices in (ONE, TWO):
        found = pair(results, f"fake-a/{devices}", f"fake-b/{devices}")
        assert (found["verdict"], found["cause"]) == ("different", "unstable kernel")
        assert found["side"] == f"clusters/fake-b/{devices}/plain"
    (finding,) = (one for one in results["findings"] if one["verdict"] == "different")
    assert (finding["cause"], finding["side"]) == ("unstable kernel in fake-b", "fake-b")
    place = finding["place"]
    assert (place["stage"], place["tensor"], place["state"]) == ("forward", "norm", "10")
    assert re.search(
        "single float32 steps from 5 common states: from 3 of them fake-b ×([12]) is much farther from float64, "
        r"first from state 10 in forward norm \(fake-a ×\1 [0-9.]+e-8, fake-b ×\1 [0-9.]+e-4\)$",
        finding["evidence"],
    )
    # Nobody is off its declaration, and nothing was asked that does not decide.
    assert all(one["distance"] < 1e-10 for one in results["diagnoses"])
    assert len(steps_of(results)) == 4 + 2


def test_kernels_that_are_as_far_from_float64_on_both_sides_are_not_unstable(parity: Parity) -> None:
    parity.scenario("clusters")
    wide, narrow = ({"PARITY_FAKE_DEFECT": name} for name in ("wide", "narrow"))
    parity.environments({"fake-a": narrow, "fake-b": {"PARITY_FAKE_ORDER": "1", **wide}})
    code, results = parity.compare("--devices", "1")
    assert code == 0
    found = pair(results, f"fake-a/{ONE}", f"fake-b/{ONE}")
    assert (found["verdict"], found["side"]) == ("inconclusive", "")
    assert len(steps_of(results)) == 3
    (finding,) = (one for one in results["findings"] if one["verdict"] == "inconclusive")
    said = "single float32 steps from 5 common states are as far from float64 on both sides, within a factor of 1."
    assert said in finding["evidence"]
    assert finding["evidence"].endswith(": what grows in training is rounding")


def test_equal_float32_runs_ask_for_no_steps(clean: tuple[int, dict[str, Any]]) -> None:
    assert steps_of(clean[1]) == set()


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


# ---------------------------------------------------------------- again


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


# ---------------------------------------------------------------- exit codes


def test_everything_equal_is_0(parity: Parity) -> None:
    parity.scenario("synchronized", synchronized=True)
    parity.environments(CLEAN)
    code, results = parity.compare()
    assert code == results["exit_code"] == 0
    assert results["answer"].startswith("Yes, up to rounding: ")


def test_the_gate_decides_what_fails(parity: Parity) -> None:
    parity.scenario("synchronized", synchronized=True)
    parity.environments(CLEAN)
    code, _ = parity.compare("--fail-on", "rounding")
    assert code == 1
    assert main(["report", "--out", str(parity.run), "--fail-on", "different"]) == 0


def test_no_pairs_is_no_success(parity: Parity) -> None:
    parity.scenario("clusters")
    parity.environments({"fake-a": {}})
    code, results = parity.compare("--devices", "1")
    assert code == 2
    assert results["pairs"] == []


def test_a_broken_scenario_is_3_and_the_others_run(parity: Parity) -> None:
    parity.scenario("clusters")
    (parity.folder / "scenarios" / "broken.py").write_text("import sys\n\nsys.exit('out')\n")
    parity.environments(CLEAN)
    code, results = parity.compare()
    assert code == 3
    assert results["broken"] == [
        {"name": "broken", "source": f"{parity.folder / 'scenarios' / 'broken.py'}:3", "reason": "SystemExit: out"}
    ]
    assert all(run["status"] == "complete" for run in results["runs"])


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
    code, results = parity.compare("--devices", "1,3")
    refused = [run for run in results["runs"] if run["devices"] == 3]
    assert {run["status"] for run in refused} == {"unsupported"}
    assert {run["reason"] for run in refused} == {"the global batch of 32 does not divide by 3 devices"}
    assert code == 0
