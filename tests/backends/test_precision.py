"""Products in TF32 on the real PyTorch, without a GPU: `rounded/` has it round their operands as one would."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.commands import main
from suite.plan.locations import ROOT
from suite.records import Cause, Code, Results, Verdict
from suite.report import results_json
from tests.backends.marks import LONG

pytestmark = LONG

SCENARIOS = ("article-mlp", "issue-46488-cnn", "residual-cnn", "dropout-bn")
ENVIRONMENTS = f"""
[environments.torch-rounded]
backend = "torch"
python = "{ROOT}/.environments/torch/bin/python"
pythonpath = ["{Path(__file__).parent / "rounded"}"]
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("precision")
    (folder / "mine.toml").write_text(ENVIRONMENTS)
    chosen = [word for name in SCENARIOS for word in ("--scenario", name)]
    environments = ["--environments", str(folder / "mine.toml"), "--environment", "torch", "--environment", "torch-rounded"]
    assert main(["environments", "--environment", "torch"]) == 0
    short = ["--device", "cpu", "--devices", "1", "--steps", "10", "--out", str(folder / "run")]
    main(["compare", *chosen, *environments, *short])
    return results_json.read(folder / "run" / "results.json")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_they_are_named_and_nothing_else_is(results: Results, scenario: str) -> None:
    (pair,) = (one for one in results.pairs if one.scenario == scenario)
    assert pair.verdict is Verdict.DIFFERENT, "on a CPU nobody declares them"
    assert [cause.kind for cause in pair.causes] == [Cause(code=Code.TF32_PRODUCTS, subject="torch-rounded")]
    numbers = dict(pair.causes[0].evidence)
    assert 10 * numbers["left"] < numbers["apart"]
    assert 1e-4 < numbers["apart"] < 1e-3
    assert pair.side is not None
    assert pair.side.configuration.environment == "torch-rounded"
    assert pair.place is not None
    assert pair.place.stage == "forward"


def test_they_are_one_finding_and_nothing_is_undecided(results: Results) -> None:
    open_ones = [one for one in results.findings if one.verdict in (Verdict.DIFFERENT, Verdict.INCONCLUSIVE)]
    found = [[cause.code for cause in one.causes] for one in open_ones]
    assert sorted(found) == [[Code.NOT_SAVED], [Code.TF32_PRODUCTS]], "files do not hold the seeds of dropout"
