"""Oracles emulate every kind of model: on the real backends, each float64 run equals the oracle of what its strategy
declares."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from suite.commands import main
from tests.backends.kinds.kinds_of_models import KINDS

pytestmark = [
    pytest.mark.backends,
    pytest.mark.timeout(900),
    pytest.mark.skipif("PARITY_SKIP_BACKENDS" in os.environ, reason="PARITY_SKIP_BACKENDS is set"),
]

SOURCE = Path(__file__).parent / "kinds" / "kinds_of_models.py"
Results = dict[str, Any]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("kinds")
    names = [kind.__name__ for kind in KINDS]
    for name in names:
        (folder / f"{name}.py").write_text(f"{SOURCE.read_text()}\n\nSCENARIO = scenario({name!r})\n")
    chosen = [word for name in names for word in ("--scenario", f"kind-{name.replace('_', '-')}")]
    main(["compare", "--scenario-path", str(folder), *chosen, "--device", "cpu", "--out", str(folder / "run")])
    found: Results = json.loads((folder / "run" / "results.json").read_text())
    return found


def test_every_run_completes(results: Results) -> None:
    assert results["broken"] == []
    assert {run["id"]: run["reason"] for run in results["runs"] if run["status"] != "complete"} == {}


@pytest.mark.parametrize("kind", [kind.__name__.replace("_", "-") for kind in KINDS])
def test_every_float64_equals_its_oracle(results: Results, kind: str) -> None:
    found = {one["run"]: one["distance"] for one in results["diagnoses"] if one["run"].startswith(f"kind-{kind}/")}
    assert len(found) == 6
    assert {run: distance for run, distance in found.items() if distance is None or distance >= 1e-10} == {}


@pytest.mark.parametrize("kind", [kind.__name__.replace("_", "-") for kind in KINDS])
def test_every_difference_is_by_design(results: Results, kind: str) -> None:
    pairs = [pair for pair in results["pairs"] if pair["scenario"] == f"kind-{kind}"]
    assert {pair["verdict"] for pair in pairs} == {"rounding", "by design"}
    assert sum(pair["verdict"] == "by design" for pair in pairs) == 8
