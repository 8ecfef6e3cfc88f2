"""Scenarios are listed, or counted; a broken one is named either way."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.commands import main


@pytest.mark.parametrize("action", ["list", "check"])
def test_broken_ones_are_named_and_only_a_list_names_the_others(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wrong.py").write_text("SCENARIO = 1\n")
    assert main(["scenarios", action, "--scenario-path", str(tmp_path)]) == 3
    said = capsys.readouterr()
    assert "broken: wrong: " in said.err
    assert ("article-mlp" in said.out) == (action == "list")
    assert said.out.endswith(" valid, 1 broken\n") == (action == "check")
