"""Artifacts of a command with other options lie in the places of this one's: they are not taken for its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from suite.artifacts import names
from suite.artifacts.places import clear
from suite.commands import main
from suite.records import Verdict
from tests.campaign import ground as grounds
from tests.campaign.ground import Ground

RUN = "runs/clusters/fake-b/fake-x1"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ground, Ground]:
    """Three steps, and four."""
    folder = tmp_path_factory.mktemp("foreign")
    return grounds.made(folder / "own", "agreeing"), grounds.made(folder / "other", "agreeing", steps="4")


@pytest.mark.parametrize(
    ("place", "kind", "words"),
    [
        (f"{RUN}/plain", "pair", "was made with a different scenario, environment or options"),
        (f"{RUN}/plain/reload/fake-a/{names.KERAS_FILE}", "reloaded", "was loaded from a different model.keras"),
        (f"{RUN}/plain-float64/reload/fake-b/{names.KERAS_FILE}", "job", "was loaded from a different model.keras"),
    ],
)
def test_what_is_of_other_options_is_damage_and_the_next_command_makes_it_again(
    both: tuple[Ground, Ground], tmp_path: Path, place: str, kind: str, words: str
) -> None:
    own, other = both
    folder = own.copy(tmp_path / "copy", finished=True)
    clear(folder / "run", place)
    shutil.copytree(other.run / place, folder / "run" / place)
    assert main(["report", "--out", str(folder / "run")]) == 2
    results = grounds.written(folder / "run")
    said = {
        "pair": [cause.detail for pair in results.pairs for cause in pair.causes],
        "reloaded": [cause.detail for check in results.checks if check.kind == "reloaded" for cause in check.causes],
        "job": [job.reason for job in results.jobs],
    }
    assert words in str(said[kind])
    assert {one.verdict for one in results.members} <= {*own.verdicts.values(), Verdict.NOT_RUN, Verdict.INCONCLUSIVE}
    assert main(grounds.arguments(folder, "agreeing")) == 0
    assert grounds.verdicts(grounds.written(folder / "run")) == own.verdicts
