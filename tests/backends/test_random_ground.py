"""One model drawn at random, on two real backends: its clean runs agree, and both kinds of faults are found in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suite.commands import main
from tests.backends.marks import LONG

pytestmark = LONG

FAULTS = ("bias-again", "learning-rate")  # of a layer and of the update: the first is a backend's, the second a strategy's
SEED = "0"  # of a model of dense layers and a batch normalization, which compiles fast


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out: Path = tmp_path_factory.mktemp("selftest")
    chosen = [word for name in FAULTS for word in ("--fault", name)]
    drawn = ["--ground", "random", "--models", "1", "--sample", "2", "--seed", SEED]
    main(["selftest", *drawn, *chosen, "--backend", "jax", "--backend", "torch", "--device", "cpu", "--out", str(out)])
    [ground] = json.loads((out / "selftest.json").read_text())["grounds"]
    return dict(ground)


def test_both_faults_are_found_on_the_right_side(found: dict[str, Any]) -> None:
    assert found["ground"] == "random"
    assert {one["name"] for one in found["faults"]} == set(FAULTS)
    assert sorted(one["environment"].endswith("-defect") for one in found["faults"]) == [False, True]
    for one in found["faults"]:
        assert (one["detected"], one["side_right"], one["cause_right"] or one["place_right"]) == (True, True, True), one


def test_nothing_clean_is_flagged_as_different(found: dict[str, Any]) -> None:
    assert found["alarms"] == []
    assert found["clean_pairs"] == 6
    assert found["clean_checks"] >= 20
