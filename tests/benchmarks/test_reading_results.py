"""What benchmarks read of the results of a command."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import against_scripts, verdict_flips
from suite.records import Cause, Code, Status, Verdict
from tests.report import sample


def test_a_verdict_that_changes_and_a_cause_that_changes_are_flips() -> None:
    results = sample.results()
    pair, check = results.pairs[0], results.checks[0]
    first = verdict_flips.verdicts(results)
    assert len(first) == len(results.pairs) + len(results.checks)
    other = next(verdict for verdict in Verdict if verdict != pair.verdict)
    changed = replace(
        results,
        pairs=(replace(pair, verdict=other), *results.pairs[1:]),
        checks=(replace(check, causes=(Cause(code=Code.CORNER, subject="jax"),)), *results.checks[1:]),
    )
    again = verdict_flips.verdicts(changed)
    assert {name for name in first if first[name] != again[name]} == {pair.id, check.id}


def test_seconds_of_runs_are_those_of_all_variations_and_one_that_did_not_complete_ends_the_measurement() -> None:
    results = sample.results()
    row = replace(results.runs[0], status=Status.COMPLETE, seconds=2.0)
    again = replace(row, run=replace(row.run, variation="perturbed"), seconds=3.0)
    name = f"{row.run.configuration.environment} x{row.run.configuration.devices}"
    assert against_scripts.seconds_of_runs(replace(results, runs=(row, again))) == {name: 5.0}
    with pytest.raises(SystemExit, match="did not complete"):
        against_scripts.seconds_of_runs(
            replace(results, runs=(row, replace(again, status=Status.FAILED, reason="it raised")))
        )
