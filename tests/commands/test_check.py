"""parity check from the command line, on the NumPy backend: real workers, without a framework."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suite.commands import main
from suite.referee.defects import matching
from suite.runner.numpy_backend import batch_norm_network as network


class Check:
    """The command in a folder, with environments of the NumPy backend."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "run"

    def file(self, name: str = "model.keras", *, bias: float = 0.0) -> Path:
        """A model file: the network with moving statistics that are not those of the beginning."""
        weights = network.initial(6, 4, seed=1)
        random = np.random.default_rng(2)
        weights["norm/moving_mean"] = random.normal(size=16).astype(np.float32)
        weights["norm/moving_variance"] = random.uniform(0.5, 2.0, 16).astype(np.float32)
        weights["output/bias"] += np.float32(bias) * np.arange(4, dtype=np.float32)
        path = self.folder / name
        with path.open("wb") as stream:
            np.savez(stream, **weights)  # type: ignore[arg-type]
        return path

    def run(self, path: Path, *arguments: str, **defects: str) -> int:
        """`defects`: environment -> what goes wrong in it; "" for nothing."""
        lines = [
            f'[environments.{name}]\nbackend = "fake"\nvariables = {{ PARITY_FAKE_DEFECT = "{defect}" }}\n'
            for name, defect in (defects or {"one": "", "two": "", "three": ""}).items()
        ]
        file = self.folder / "environments.toml"
        file.write_text("\n".join(lines))
        chosen = ["--environments", str(file), "--backend", "fake", "--out", str(self.out), "--jobs", "2"]
        return main(["check", str(path), *chosen, *arguments])

    def results(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "check.json").read_text())
        return found

    def result(self) -> dict[str, Any]:
        (found,) = self.results()["files"]
        return dict(found)


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    monkeypatch.setattr(matching, "DEFECTS", ())
    return Check(tmp_path)


def test_equal_predictions_are_safe_and_the_sentence_says_how_equal(
    check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.run(check.file()) == 0
    found = check.result()
    assert (found["word"], found["code"], found["rows"], len(found["pairs"])) == ("safe", "agrees", 8, 3)
    assert all(pair["float64"] == 0 for pair in found["pairs"])
    told = capsys.readouterr().out
    assert "model.keras: safe, predictions of 8 drawn rows agree to rounding in one, two and three" in told
    assert "| three | yes |" in (check.out / "check.md").read_text()


@pytest.mark.parametrize(
    ("defect", "layer", "of"),
    [("epsilon", "norm", "BatchNormalization"), ("loaded", "hidden", "Dense"), ("layer", "output", "Dense")],
)
def test_a_wrong_layer_is_found_with_the_environment_and_the_side(check: Check, defect: str, layer: str, of: str) -> None:
    assert check.run(check.file(), one="", broken=defect, three="") == 1
    found = check.result()
    assert (found["word"], found["code"], found["odd"]) == ("different", "computes-differently", ["broken"])
    assert (found["place"]["name"], found["place"]["of"]) == (layer, of)
    off = {one["environment"]: one["size"] > 1e-6 for one in found["sides"]}
    computes_with_other_weights = defect == "loaded"
    assert off == {"one": False, "broken": not computes_with_other_weights, "three": False}
    assert ("hidden/kernel" in found["detail"]) == computes_with_other_weights


def test_of_two_environments_the_definition_says_which_is_off(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.run(check.file(), sound="", broken="epsilon") == 1
    assert check.result()["odd"] == []
    told = capsys.readouterr().out
    assert "sound and broken predict differently" in told
    assert "beginning in layer norm (BatchNormalization); there, off from the independent definition" in told
    assert "BatchNormalization: broken by" in told


def test_a_kernel_that_is_inaccurate_in_float32_only_is_found(check: Check) -> None:
    assert check.run(check.file(), one="", broken="wide", three="") == 1
    found = check.result()
    assert (found["code"], found["odd"], found["place"]["name"]) == ("inaccurate-in-float32", ["broken"], "norm")


def test_nan_is_invalid_and_said_with_the_environment(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.run(check.file(), one="", broken="nan", three="") == 1
    found = check.result()
    assert (found["word"], found["odd"], found["place"]["name"]) == ("invalid", ["broken"], "output")
    assert "predictions of 100 % of the rows are NaN or infinite in broken" in capsys.readouterr().out


def test_random_predictions_are_undecided(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.run(check.file(), one="noise", two="noise") == 2
    assert check.result()["code"] == "random"
    assert "draws random numbers when it predicts (output)" in capsys.readouterr().out


@pytest.mark.parametrize("dead", ["killed", "half"])
@pytest.mark.parametrize("other", ["", "epsilon"])
def test_a_worker_that_dies_makes_nothing_safe(
    check: Check, dead: str, other: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In both precisions, or in float64 alone; and the next command answers what it did not."""
    path = check.file()
    assert check.run(path, one="", two=other, three=dead) == (1 if other else 2)
    assert check.result()["word"] != "safe"
    assert "model.keras: safe" not in capsys.readouterr().out
    assert check.run(path, one="", two="", three="") == 0


def test_one_environment_is_nothing_to_compare_with(check: Check) -> None:
    assert check.run(check.file(), alone="") == 2
    assert check.result()["code"] == "alone"


def test_files_that_are_none_cost_no_other_file_of_a_folder(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    good = check.file("good.keras")
    (check.folder / "cut.keras").write_bytes(good.read_bytes()[:100])
    (check.folder / "text.keras").write_text("hello, I am text")
    (check.folder / "net.weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    assert check.run(check.folder) == 2
    words = {one["file"]: one["code"] for one in check.results()["files"]}
    assert words == {
        "cut.keras": "not-loaded",
        "good.keras": "agrees",
        "net.weights.h5": "not-loaded",
        "text.keras": "not-loaded",
    }
    told = capsys.readouterr().out
    assert "cut.keras: cannot be checked, it is cut off or damaged" in told
    assert "text.keras: cannot be checked, it is no .keras file (a zip archive): it begins with b'hell'" in told
    assert "net.weights.h5: cannot be checked, it holds weights only: give --model module:function" in told


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing.keras", "is no file: check the path"),
        ("model.txt", "is no model file by its name"),
        ("", "holds no .keras"),
    ],
)
def test_what_is_no_file_of_a_model_is_a_mistake_of_usage(
    check: Check, name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (check.folder / "model.txt").write_text("")
    assert check.run(check.folder / name) == 4
    assert said in capsys.readouterr().err


def test_an_answer_is_reused_until_the_file_changes(check: Check) -> None:
    path = check.file()
    check.run(path)
    manifests = sorted((check.out / "files").rglob("manifest.json"))
    before = [one.stat().st_mtime_ns for one in manifests]
    assert check.run(path) == 0
    assert [one.stat().st_mtime_ns for one in manifests] == before and len(manifests) == 6
    check.file(bias=1.0)
    assert check.run(path) == 0
    assert len(list((check.out / "files").rglob("manifest.json"))) == 12


def test_json_is_the_record_and_nothing_else(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.run(check.file(), "--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == check.results()
    assert "safe" in told.err


def test_rows_of_the_user_are_predicted(check: Check) -> None:
    data = check.folder / "rows.npz"
    np.savez(data, x=np.ones((5, 6), np.float32))
    assert check.run(check.file(), "--data", str(data)) == 0
    found = check.result()
    assert (found["rows"], found["inputs"], found["alike"]) == (5, [["x", "of the data"]], True)
    assert check.run(check.file(), "--data", "nowhere.npz") == 4
