"""A scenario from what exists runs on the real backends at the first attempt, and its plan and its quality have answers."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from suite.commands import main
from suite.records import Quality, Verdict
from suite.report import results_json
from tests.backends.marks import LONG

pytestmark = LONG

TRAIN = Path(__file__).parent / "files" / "train.py"
CPU = ("--device", "cpu")


@pytest.fixture(scope="module")
def folder(model_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder with two new scenarios: from a script's function, and from a compiled model with metrics."""
    made = tmp_path_factory.mktemp("mine")
    shutil.copy(TRAIN, made / "train.py")
    shutil.copy(model_files / "cnn.keras", made / "cnn.keras")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(made)
        assert main(["new-scenario", "mlp", "--from", "train.py:build_model", *CPU]) == 0
        assert main(["new-scenario", "cnn", "--from", "cnn.keras", *CPU]) == 0
    return made / "scenarios"


def test_it_runs_everywhere(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["--scenario", "mlp", "--scenario", "cnn"]
    assert main(["scenarios", "check", "--deep", "--scenario-path", str(folder), *names, *CPU]) == 0
    said = capsys.readouterr().out
    for name in ("mlp", "cnn"):
        assert f"{name}: one training step runs on tensorflow, jax and torch\n" in said


def test_its_plan_says_how_long_it_takes_before_anything_ran(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--scenario-path", str(folder), "--scenario", "cnn", "--out", str(tmp_path / "run"), *CPU]
    assert main(["plan", *where, "--measure"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"^time: about .+, from 3 training steps of cnn in each environment; ", said, re.MULTILINE)
    assert re.search(r"^disk: at most .+ once it is judged, data included$", said, re.MULTILINE)


def test_over_several_initial_states_every_metric_has_a_quality(folder: Path, tmp_path: Path) -> None:
    """Compiled with a loss and an accuracy; both are of the rows to train on, where the scenario has no others."""
    run = tmp_path / "run"
    where = ["--scenario-path", str(folder), "--scenario", "cnn", "--out", str(run), *CPU]
    assert main(["compare", *where, "--devices", "1", "--steps", "3", "--seeds", "3"]) == 0
    results = results_json.read(run / "results.json")
    assert {pair.verdict for pair in results.pairs} <= {Verdict.IDENTICAL, Verdict.ROUNDING}
    assert {one.metric for one in results.quality} == {"loss", "accuracy"}
    assert len(results.quality) == 2 * 3
    assert {(one.quality, one.states) for one in results.quality} == {(Quality.EQUIVALENT, 4)}
