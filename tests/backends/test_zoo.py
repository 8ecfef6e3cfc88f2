"""A sample of the zoo on the real backends: everything that departs is known, and everything else agrees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suite.commands import main
from tests.backends.marks import REAL_BACKENDS

pytestmark = REAL_BACKENDS


def visited(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and zoo.json."""
    code = main(["zoo", "--device", "cpu", "--out", str(folder), *arguments])
    found: dict[str, Any] = json.loads((folder / "zoo.json").read_text())
    return code, found


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any]]:
    return visited(tmp_path_factory.mktemp("zoo"), "--sample", "24", "--seed", "3")


def test_nothing_in_a_sample_is_new(sample: tuple[int, dict[str, Any]]) -> None:
    code, found = sample
    assert [
        one for one in found["findings"] if one["word"] in ("departs", "differs", "faulty definition") and not one["known"]
    ] == []
    assert code == 0


def test_every_environment_answers_every_case(sample: tuple[int, dict[str, Any]]) -> None:
    _, found = sample
    assert found["cases"] == 24 and found["missing"] == {}
    assert {name: sum(words.values()) for name, words in found["words"].items()} == {
        "tensorflow": 24,
        "jax": 24,
        "torch": 24,
    }
    assert all(words["agrees"] >= 12 for words in found["words"].values())


def test_a_defect_is_found_where_it_is_and_named(tmp_path: Path) -> None:
    code, found = visited(tmp_path, "--only", "Tversky", "--only", "RepeatVector")
    assert code == 0
    assert {(one["environment"], one["name"], one["known"]) for one in found["findings"] if one["word"] == "departs"} == {
        (name, "Tversky", "K-11") for name in ("tensorflow", "jax", "torch")
    }
