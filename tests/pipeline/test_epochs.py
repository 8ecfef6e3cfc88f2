"""A scenario in epochs, with the fake backend: rows in a shuffled order that is the same everywhere, and what `fit` says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from suite.artifacts import names
from suite.artifacts.store import Store
from suite.plan import discover
from suite.records import Configuration, Status, Verdict, plain
from tests.conftest import Parity
from tests.pipeline.fake_runs import CLEAN, ONE, TWO, Compared, checks, compared, pair, quantity

EPOCHS = "epochs=4, shuffle=True, validation_split=0.25, files=('rows.txt',)"
AGREE = {Verdict.IDENTICAL, Verdict.ROUNDING}


def in_epochs(parity: Parity) -> Parity:
    path = parity.scenario("clusters")
    (path.parent / "rows.txt").write_text("here")
    text = path.read_text().replace("steps=25", EPOCHS)
    path.write_text(
        text.replace("    import numpy as np\n", "    import numpy as np\n\n    assert open('rows.txt').read() == 'here'\n")
    )
    return parity


@pytest.fixture(scope="module")
def folder(parity_of: Callable[[str], Parity]) -> Parity:
    parity = in_epochs(parity_of("epochs"))
    parity.environments(CLEAN)
    return parity


@pytest.fixture(scope="module")
def trained(folder: Parity) -> Compared:
    return compared(folder)


def test_every_run_completes_and_is_what_it_declares(trained: Compared) -> None:
    code, results = trained
    assert code == 0
    assert {row.status for row in results.runs} == {Status.COMPLETE}
    assert checks(results, "", "declared") <= AGREE


def test_what_fit_says_is_compared_between_backends(trained: Compared) -> None:
    _, results = trained
    found = pair(results, f"clusters/fake-a/{ONE}", f"clusters/fake-b/{ONE}")
    assert quantity(found, "history").verdict is Verdict.ROUNDING
    several = pair(results, f"clusters/fake-a/{ONE}", f"clusters/fake-a/{TWO}")
    assert quantity(several, "history").verdict is quantity(several, "evaluation").verdict is Verdict.BY_DESIGN


def test_a_file_that_a_scenario_reads_makes_it_run_again(folder: Parity, trained: Compared) -> None:
    path = folder.folder / "scenarios" / "rows.txt"
    before, after = (_digest(folder, path, text) for text in ("here", "there"))
    assert before == _digest(folder, path, "here") != after


def _digest(folder: Parity, path: Path, text: str) -> str:
    path.write_text(text)
    (found,), broken = discover.scenarios([folder.folder / "scenarios"], plugins=False)
    assert broken == ()
    return found.digest


def test_every_epoch_has_loss_and_validation(folder: Parity, trained: Compared) -> None:
    configuration = Configuration(scenario="clusters", environment="fake-a", strategy="fake", devices=1)
    run = Store(folder.run).run(plain(configuration))
    history, losses = run.arrays(names.HISTORY), run.arrays(names.LOSSES)[names.LOSSES]
    assert history.keys() == {"loss", "val_loss", "val_accuracy", "step"}
    assert history["step"].tolist() == [6, 12, 18, 24]
    assert np.array_equal(history["loss"], losses[[5, 11, 17, 23]])
    manifest = run.manifest()
    assert manifest is not None and manifest.predicted == (18, 24)


def test_statistics_that_move_differently_show_in_what_fit_says(parity: Parity) -> None:
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_ORDER": "1", "PARITY_FAKE_DEFECT": "momentum"}})
    _, results = compared(in_epochs(parity), "--devices", "1")
    found = pair(results, "clusters/fake-a", "clusters/fake-b")
    assert quantity(found, "history").verdict is Verdict.DIFFERENT
