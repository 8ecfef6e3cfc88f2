"""Scripts of plain Keras, run on the real backends: each shows its difference, and with the cure applied it is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from suite.commands import main
from suite.plan.locations import ROOT
from suite.records import Cause, Code, ConsistencyCheck, Finding, Pair, Results, Verdict
from suite.report import results_json
from tests.backends.marks import LONG

pytestmark = LONG

SCENARIOS = ("article-mlp", "large-mean-bn", "dropout-bn", "evaluation-after-few-steps")
Member = Pair | ConsistencyCheck


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of few steps: every kind of difference shows from the first."""
    folder = tmp_path_factory.mktemp("run")
    chosen = [word for name in SCENARIOS for word in ("--scenario", name)]
    main(["compare", *chosen, "--device", "cpu", "--steps", "5", "--out", str(folder)])
    return folder


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    return results_json.read(folder / "results.json")


def pair(results: Results, scenario: str, a: str, b: str) -> Pair:
    ids = {f"{scenario}/{a}/plain", f"{scenario}/{b}/plain"}
    return next(one for one in results.pairs if {run.id for run in one.runs} == ids)


def check(results: Results, run: str, kind: str, environment: str = "") -> ConsistencyCheck:
    found = [one for one in results.checks if one.run.id == f"{run}/plain" and one.kind == kind]
    return next(one for one in found if environment in ("", one.environment))


def written(results: Results, folder: Path, member: Member, out: Path) -> Path:
    """The script of a finding that covers this alone, by the command line."""
    finding = Finding(
        verdict=member.verdict,
        causes=member.causes,
        members=(member,),
        fingerprint="0123456789ab",
    )
    pairs = tuple(member if one.id == member.id else one for one in results.pairs if isinstance(one, Pair))
    checks = tuple(member if one.id == member.id else one for one in results.checks if isinstance(one, ConsistencyCheck))
    alone = replace(results, findings=(finding,), pairs=pairs, checks=checks)  # type: ignore[arg-type]
    results_json.write(alone, folder / "one.json")
    assert main(["repro", "0123", "--results", str(folder / "one.json"), "--out", str(out)]) == 0
    return out / "repro.py"


def run(results: Results, script: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and output; the script finds an interpreter for each side, and neither the suite nor its folder."""
    given: list[str] = []
    for one in results.environments:
        if f'"{one.environment.name}": ' in script.read_text():
            given += ["--python", f"{one.environment.name}={one.python}"]
    outside = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-P", str(script), *given, *arguments],
        cwd=script.parent,
        env=outside,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout


def words(output: str) -> set[str]:
    return {line.rpartition(": ")[2] for line in output.splitlines()}


PAIRS = {
    "MirroredStrategy against one device": ("article-mlp", "tensorflow/single-x1", "tensorflow/tf_mirrored-x2"),
    "DDP against one device": ("article-mlp", "torch/single-x1", "torch/torch_ddp-x2"),
    "training in epochs": ("evaluation-after-few-steps", "torch/single-x1", "torch/torch_ddp-x2"),
}


@pytest.mark.parametrize("case", PAIRS.values(), ids=PAIRS)
def test_a_pair_of_strategies_and_its_cure(
    results: Results, folder: Path, tmp_path: Path, case: tuple[str, str, str]
) -> None:
    script = written(results, folder, pair(results, *case), tmp_path)
    code, output = run(results, script)
    assert (code, words(output)) == (1, {"DIFFERENT"})
    code, output = run(results, script, "--synchronized")
    assert (code, words(output)) == (0, {"no difference"})


def test_two_backends_on_two_devices(results: Results, folder: Path, tmp_path: Path) -> None:
    found = pair(results, "article-mlp", "jax/jax_data_parallel-x2", "torch/torch_ddp-x2")
    code, output = run(results, written(results, folder, found, tmp_path))
    assert (code, words(output)) == (1, {"DIFFERENT"})


@pytest.mark.parametrize(
    ("kind", "strategy", "compared"),
    [("saved", "tensorflow/tf_mirrored-x2", "predictions"), ("replica", "torch/torch_ddp-x2", "moving mean")],
)
def test_saved_files_and_replicas_that_differ_are_shown(
    results: Results, folder: Path, tmp_path: Path, kind: str, strategy: str, compared: str
) -> None:
    script = written(results, folder, check(results, f"article-mlp/{strategy}", kind), tmp_path)
    code, output = run(results, script)
    assert (code, words(output)) == (1, {"DIFFERENT"})
    assert output.startswith(compared)


def test_state_that_a_file_lacks_is_shown(results: Results, folder: Path, tmp_path: Path) -> None:
    script = written(results, folder, check(results, "dropout-bn/jax/single-x1", "saved"), tmp_path)
    code, output = run(results, script)
    assert (code, words(output)) == (1, {"DIFFERENT"})
    assert output.startswith("seeds")


def test_an_unstable_kernel_by_itself_and_as_two_backends_on_one_device(
    results: Results, folder: Path, tmp_path: Path
) -> None:
    found = pair(results, "large-mean-bn", "jax/single-x1", "torch/single-x1")
    script = written(results, folder, found, tmp_path / "one")
    assert 'PRECISION="float64"' in script.read_text()
    code, output = run(results, script)
    assert (code, words(output)) == (1, {"DIFFERENT"})
    # As if it were not known which side is off: with the rounding limits of jax.
    limits = pair(results, "large-mean-bn", "jax/single-x1", "jax/jax_data_parallel-x2").quantities
    quantities = tuple(replace(one, limits=other.limits) for one, other in zip(found.quantities, limits, strict=True))
    unknown = replace(found, causes=(Cause(code=Code.UNKNOWN),), side=None, quantities=quantities)
    script = written(results, folder, unknown, tmp_path / "two")
    assert 'PRECISION="float64"' not in script.read_text()
    assert run(results, script)[0] == 1


def test_a_file_loaded_elsewhere_is_the_same_and_the_script_says_so(results: Results, folder: Path, tmp_path: Path) -> None:
    """No file differs there. The script for a made-up difference answers that there is none."""
    differs = check(results, "article-mlp/tensorflow/tf_mirrored-x2", "saved")
    same = check(results, "article-mlp/tensorflow/tf_mirrored-x2", "reloaded", "torch")
    assert same.verdict in (Verdict.IDENTICAL, Verdict.ROUNDING)
    script = written(results, folder, replace(same, verdict=differs.verdict, quantities=differs.quantities), tmp_path)
    code, output = run(results, script)
    assert (code, words(output)) == (0, {"no difference"})


def test_a_side_that_cannot_run_is_no_difference(results: Results, folder: Path, tmp_path: Path) -> None:
    script = written(results, folder, pair(results, *PAIRS["DDP against one device"]), tmp_path)
    for arguments in (["--python", "torch=/nowhere/python"], ["--python", f"torch={sys.executable}", "--wrong"]):
        done = subprocess.run([sys.executable, str(script), *arguments], capture_output=True, text=True)
        assert done.returncode == 2
    (tmp_path / "repro.npz").unlink()
    assert subprocess.run([sys.executable, str(script)], capture_output=True).returncode == 2


def test_the_bug_report_has_the_script_the_numbers_and_the_versions(results: Results, folder: Path, tmp_path: Path) -> None:
    script = written(results, folder, pair(results, *PAIRS["DDP against one device"]), tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert script.read_text().rstrip() in text
    packages = next(one.packages for one in results.environments if one.environment.name == "torch")
    for name in ("keras", "torch", "numpy"):
        assert f"| torch | {name} | {packages[name]} |" in text
    assert str(ROOT) not in text
