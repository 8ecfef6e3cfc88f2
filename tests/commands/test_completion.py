"""A shell that asks gets what fits: commands, options, names of scenarios and environments."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from suite.plan.locations import ROOT


def completed(line: str, folder: Path) -> list[str]:
    """What the shell is offered behind this line."""
    answer = folder / "answer"
    asked = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line)), "_ARGCOMPLETE_IFS": "\n"}
    where = {"_ARGCOMPLETE_STDOUT_FILENAME": str(answer), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "suite"], env={**os.environ, **asked, **where}, check=False, capture_output=True)
    return [word.strip() for word in answer.read_text().split("\n")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("parity rep", {"report", "repro"}),
        ("parity compare --scenario art", {"article-mlp"}),
        ("parity compare --environment t", {"tensorflow", "torch"}),
        ("parity selftest --ground bu", {"built-in"}),
        ("parity compare --dev", {"--devices", "--device"}),
    ],
)
def test_what_fits_is_offered(line: str, words: set[str], tmp_path: Path) -> None:
    assert set(completed(line, tmp_path)) == words
