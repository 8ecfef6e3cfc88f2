"""`parity claims` from the command line on fake environments: what is injected in them turns the answers.

The fake backend trains a network of its own, with batch normalization in every variant and one initial state for all seeds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from suite.commands import main
from tests.conftest import Parity

ORDERS = {"fake-a": {"PARITY_FAKE_ORDER": "0"}, "fake-b": {"PARITY_FAKE_ORDER": "1"}}


def arguments(parity: Parity, *extra: str) -> list[str]:
    files = ["--scenario-path", str(parity.folder / "scenarios"), "--environments", str(parity.folder / "environments.toml")]
    chosen = ["--scenario", "clusters", "--backend", "fake", "--reference", "fake-a", "--out", str(parity.run)]
    return ["claims", *files, *chosen, *extra]


def claims(folder: Path, variables: Mapping[str, Mapping[str, str]], *extra: str) -> tuple[int, dict[str, Any]]:
    """Exit code and claims.json."""
    folder.mkdir(exist_ok=True)
    parity = Parity(folder)
    parity.scenario("clusters")
    parity.environments(variables)
    code = main(arguments(parity, "--steps", "6", *extra))
    found: dict[str, Any] = json.loads((parity.run / "claims.json").read_text())
    return code, found


def injected(defect: str, environment: str = "fake-b") -> dict[str, dict[str, str]]:
    return {**ORDERS, environment: {**ORDERS[environment], "PARITY_FAKE_DEFECT": defect}}


def answers(found: dict[str, Any]) -> dict[int, tuple[str, str]]:
    return {claim["number"]: (claim["answer"], claim["because"]) for claim in found["claims"]}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, dict[str, Any]]:
    return claims(tmp_path_factory.mktemp("clean") / "folder", ORDERS)


def test_every_cell_of_the_factorial_has_a_result(clean: tuple[int, dict[str, Any]]) -> None:
    code, found = clean
    assert (code, found["cells"], found["missing"], found["last_batch"]) == (0, 48, [], 5)
    assert found["drift"] < 1e-12
    assert {effect["factor"]: effect["pairs"] for effect in found["effects"]} == {
        "devices": 24, "normalization": 16, "last batch": 24, "order": 24, "seeds": 24,
    }  # fmt: skip


def test_clean_environments_answer_from_what_they_do(clean: tuple[int, dict[str, Any]]) -> None:
    found = answers(clean[1])
    assert {number: answer for number, (answer, _) in found.items()} == {
        1: "false",
        2: "true",  # it has batch normalization in the cells without
        3: "false",
        4: "true",  # the order: it has one seed
        5: "not testable here",
        6: "true",
        7: "false",
    }
    assert "A different seed of the initial weights moves the result by 0 " in found[4][1]
    assert "On one device, all 4 files give back every variable" in found[6][1]


def test_a_repeat_that_differs_is_noticed(tmp_path: Path) -> None:
    code, found = claims(tmp_path / "folder", injected("noise"))
    assert code == 0
    said = answers(found)
    assert said[1][0] == "not testable here" and "something else is random here" in said[1][1]
    assert said[7][0] == "true" and "fake-b" in said[7][1] and "fake-a" not in said[7][1]
    assert "on one they are not bit-equal either" in said[5][1]


def test_a_lost_variance_is_noticed(tmp_path: Path) -> None:
    said = answers(claims(tmp_path / "folder", injected("unsaved"))[1])
    assert (
        said[6][0] == "true" and "On one device, 2 of 4 files do not give back everything: moving statistics" in said[6][1]
    )


def test_another_formula_is_noticed_and_not_blamed_where_the_control_differs_too(tmp_path: Path) -> None:
    said = answers(claims(tmp_path / "folder", injected("epsilon"))[1])
    assert said[3][0] == "not testable here" and "with batch normalization, and by" in said[3][1]
    assert said[7][0] == "true" and "Not so fake-b" in said[7][1]


def test_a_run_that_fails_is_a_missing_cell_with_its_reason(tmp_path: Path) -> None:
    code, found = claims(tmp_path / "folder", injected("raise"))
    assert code == 2
    assert {reason for _, reason in found["missing"]} == {"RuntimeError: injected: training raises"}
    assert all("fake-b" in cell for cell, _ in found["missing"])
    assert found["cells"] == 48 and answers(found)[3][0] == "not testable here"


def test_the_same_command_runs_nothing_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    claims(tmp_path / "folder", ORDERS)
    capfd.readouterr()
    parity = Parity.__new__(Parity)
    parity.folder, parity.run = tmp_path / "folder", tmp_path / "folder" / "run"
    assert main(arguments(parity, "--steps", "6")) == 0
    assert " runs in 0 processes; " in capfd.readouterr().out


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (("--devices", "1"), "got 1, wanted at least 2"),
        (("--scenario", "nowhere"), "no scenario 'nowhere'"),
    ],
)
def test_a_wrong_argument_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: tuple[str, ...], words: str
) -> None:
    parity = Parity(tmp_path)
    parity.scenario("clusters")
    parity.environments(ORDERS)
    assert main(arguments(parity, *extra)) == 4
    assert words in capsys.readouterr().err
