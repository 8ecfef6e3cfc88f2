"""Clean and faulty environments of the fake backend, and how to find a run, a pair or a check in their results."""

from __future__ import annotations

from pathlib import Path

from suite.artifacts import names
from suite.records import SINGLE_STEP, Configuration, Judged, Member, Pair, Results, Run, RunRow, Verdict, plain
from suite.report import results_json
from tests.conftest import Parity

CLEAN = {"fake-a": {"PARITY_FAKE_ORDER": "0"}, "fake-b": {"PARITY_FAKE_ORDER": "1"}}
ONE, TWO = "fake-x1", "fake-x2"
Compared = tuple[int, Results]  # the exit code, and the records that were written


def compared(parity: Parity, *extra: str) -> Compared:
    code, _ = parity.compare(*extra)
    return code, written(parity)


def written(parity: Parity) -> Results:
    return results_json.read(parity.run / "results.json")


def injected(parity: Parity, defect: str, *extra: str) -> Compared:
    parity.scenario("clusters")
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_ORDER": "1", "PARITY_FAKE_DEFECT": defect}})
    return compared(parity, *extra)


def rows(results: Results, environment: str = "") -> dict[str, RunRow]:
    """Run id -> its row, of one environment or of all."""
    return {row.run.id: row for row in results.runs if environment in ("", row.run.configuration.environment)}


def trained(results: Results, environment: str) -> dict[str, RunRow]:
    """Run id -> its row, of what the environment trains as a user would: not of its oracles."""
    return {name: row for name, row in rows(results, environment).items() if row.run.emulates is None}


def pair(results: Results, a: str, b: str) -> Pair:
    """The one pair of the two runs whose ids hold these."""
    sides = [(one, (one.a.id, one.b.id)) for one in results.pairs]
    (found,) = (one for one, (x, y) in sides if (a in x and b in y) or (a in y and b in x))
    return found


def checks(results: Results, run: str, kind: str) -> set[Verdict]:
    """The verdicts of all checks of this kind of the runs whose ids hold this."""
    found = {check.verdict for check in results.checks if run in check.run.id and check.kind == kind}
    assert found
    return found


def quantity(member: Member, name: str) -> Judged:
    (found,) = (judged for judged in member.quantities if judged.quantity == name)
    return found


def steps_of(results: Results) -> set[str]:
    """The runs that took single float32 steps."""
    return {row.run.id for row in results.runs if (row.run.variation, row.run.precision) == (SINGLE_STEP, "float32")}


def artifact(parity: Parity, environment: str, devices: int, precision: str = "float32") -> Path:
    """The folder of a plain run's artifact."""
    configuration = Configuration(scenario="clusters", environment=environment, strategy="fake", devices=devices)
    run: Run = plain(configuration, precision)
    return parity.run / names.RUNS / run.id
