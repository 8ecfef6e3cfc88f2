"""What ships as accepted is still what the built-in scenarios show: a newcomer's run of them ends green."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.commands import main
from suite.report import results_json
from tests.backends.marks import LONG

pytestmark = LONG


@pytest.mark.parametrize("scenario", ["dropout-bn", "dropout-without-seed", "large-mean-bn"])
def test_what_is_known_of_a_built_in_scenario_is_accepted(scenario: str, tmp_path: Path) -> None:
    asked = ["--scenario", scenario, "--device", "cpu", "--devices", "1,2"]
    assert main(["compare", *asked, "--out", str(tmp_path / "run")]) == 0
    results = results_json.read(tmp_path / "run" / "results.json")
    assert [one.accepted for one in results.findings if one.accepted], "nothing was there to be accepted"
