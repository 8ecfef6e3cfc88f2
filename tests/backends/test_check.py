"""parity check of real files on the real backends: what loads, what is safe, who is odd, and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suite.commands import main
from tests.backends.marks import REAL_BACKENDS

pytestmark = REAL_BACKENDS

TRAIN = Path(__file__).parent / "files" / "train.py"


def checked(path: Path, out: Path, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code, and what check.json says of each file."""
    code = main(["check", str(path), "--device", "cpu", "--out", str(out), *arguments])
    found = json.loads((out / "check.json").read_text())["files"]
    return code, {one["file"]: one for one in found}


@pytest.fixture(scope="module")
def found(model_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, dict[str, Any]]:
    """The whole folder, checked with nothing said about what the files need."""
    code, found = checked(model_files, tmp_path_factory.mktemp("run"))
    assert code == 1
    return found


def test_a_folder_has_an_answer_for_each_file(found: Mapping[str, dict[str, Any]]) -> None:
    assert {name: one["word"] for name, one in found.items()} == {
        "cnn.h5": "safe",
        "cnn.keras": "safe",
        "cut.keras": "undecided",
        "net.weights.h5": "undecided",
        "own.keras": "undecided",
        "pool.keras": "different",
        "resize.keras": "safe",
        "text.keras": "undecided",
    }


@pytest.mark.parametrize("name", ["cnn.keras", "cnn.h5"])
def test_a_clean_model_agrees_in_float64(found: Mapping[str, dict[str, Any]], name: str) -> None:
    assert found[name]["code"] in ("agrees", "constants")
    assert {one["name"] for one in found[name]["environments"] if not one["reason"]} == {"tensorflow", "jax", "torch"}
    assert all(0 < one["error"] < 5e-6 for one in found[name]["environments"])


def test_the_odd_one_is_named_with_its_layer_and_the_known_defect(found: Mapping[str, dict[str, Any]]) -> None:
    pool = found["pool.keras"]
    assert (pool["odd"], pool["place"]["name"], pool["place"]["of"]) == (["torch"], "pool", "AveragePooling2D")
    sides = {one["environment"]: one for one in pool["sides"]}
    assert sides["torch"]["known"] == "K-22" and sides["torch"]["size"] > 0.01
    assert sides["tensorflow"]["size"] < 1e-12 and sides["jax"]["size"] < 1e-12


def test_what_a_float64_run_computes_in_float32_is_no_difference(found: Mapping[str, dict[str, Any]]) -> None:
    resize = found["resize.keras"]
    assert (resize["code"], resize["place"]["of"], resize["place"]["narrow"]) == ("float32-inside", "Resizing", True)
    assert dict(resize["inputs"])["image"].startswith("pixels from 0 to 255, (64, 64, 3)")
    assert dict(resize["inputs"])["words"].startswith("whole numbers from 0 to 6, (5,)")


def test_a_layer_that_is_not_known_is_named_with_what_to_give(
    found: Mapping[str, dict[str, Any]], model_files: Path, tmp_path: Path
) -> None:
    reasons = {one["reason"] for one in found["own.keras"]["environments"]}
    assert reasons == {
        "Keras does not know the class 'Twice' that is in the file (layer double): give --custom-objects module:function, a "
        'function that returns {"Twice": Twice}'
    }
    code, known = checked(model_files / "own.keras", tmp_path, "--custom-objects", f"{TRAIN}:objects")
    assert (code, known["own.keras"]["code"]) == (0, "agrees")


def test_weights_alone_need_the_function_that_builds_the_model(
    found: Mapping[str, dict[str, Any]], model_files: Path, tmp_path: Path
) -> None:
    assert "give --model module:function" in found["net.weights.h5"]["detail"]
    code, known = checked(model_files / "net.weights.h5", tmp_path, "--model", f"{TRAIN}:build_model")
    assert (code, known["net.weights.h5"]["code"]) == (0, "agrees")


def test_rows_with_targets_are_evaluated_as_the_file_was_compiled(model_files: Path, tmp_path: Path) -> None:
    random, data = np.random.default_rng(1), tmp_path / "rows.npz"
    np.savez(data, x=random.normal(size=(20, 12, 12, 3)), y=random.integers(0, 5, 20))
    code, known = checked(
        model_files / "cnn.keras", tmp_path / "run", "--data", str(data), "--backend", "jax", "--backend", "torch"
    )
    assert (code, known["cnn.keras"]["rows"]) == (0, 20)
    for one in known["cnn.keras"]["environments"]:
        assert one["evaluation"].keys() == {"loss", "accuracy"} and one["without_evaluation"] == ""
    assert 0 <= known["cnn.keras"]["pairs"][0]["evaluation"] < 1e-7
