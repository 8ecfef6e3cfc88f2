"""Oracles emulate every kind of model: on the real backends, each float64 run equals the oracle of what its strategy
declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.commands import main
from suite.records import Results, Status, Verdict
from suite.report import results_json
from tests.backends.kinds.kinds_of_models import KINDS
from tests.backends.marks import LONG

pytestmark = LONG

SOURCE = Path(__file__).parent / "kinds" / "kinds_of_models.py"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("kinds")
    names = [kind.__name__ for kind in KINDS]
    for name in names:
        (folder / f"{name}.py").write_text(f"{SOURCE.read_text()}\n\nSCENARIO = scenario({name!r})\n")
    chosen = [word for name in names for word in ("--scenario", f"kind-{name.replace('_', '-')}")]
    main(["compare", "--scenario-path", str(folder), *chosen, "--device", "cpu", "--out", str(folder / "run")])
    return results_json.read(folder / "run" / "results.json")


def test_every_run_completes(results: Results) -> None:
    assert results.broken == ()
    assert {row.run.id: row.reason for row in results.runs if row.status is not Status.COMPLETE} == {}


@pytest.mark.parametrize("kind", [kind.__name__.replace("_", "-") for kind in KINDS])
def test_every_float64_equals_its_oracle(results: Results, kind: str) -> None:
    found = [one for one in results.diagnoses if one.run.configuration.scenario == f"kind-{kind}"]
    assert len(found) == 6
    assert {one.run.id: one.distance for one in found if one.distance is None or one.distance >= 1e-10} == {}


@pytest.mark.parametrize("kind", [kind.__name__.replace("_", "-") for kind in KINDS])
def test_every_difference_is_by_design(results: Results, kind: str) -> None:
    pairs = [pair for pair in results.pairs if pair.scenario == f"kind-{kind}"]
    assert {pair.verdict for pair in pairs} == {Verdict.ROUNDING, Verdict.BY_DESIGN}
    assert sum(pair.verdict is Verdict.BY_DESIGN for pair in pairs) == 8
