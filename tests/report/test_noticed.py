"""What else was seen is said once, on the console, in the summary and on the page."""

from __future__ import annotations

from dataclasses import replace

from suite.records import ALTERED, FORMATS, MEMORY, OUTSIDE, PREDICT_MOVES
from suite.report import html, markdown, noticed, terminal
from tests.report import sample


def test_what_no_file_holds_is_said() -> None:
    results = sample.results()
    assert list(noticed.remembered(results)) == []
    [first, *_] = results.runs
    told = replace(results, runs=(replace(first, facts={MEMORY: "memory, summary"}), *results.runs))
    [said] = noticed.remembered(told)
    assert said.startswith(
        f"{first.run.configuration.scenario}: no file holds what memory, summary kept from the last batch."
    )
    assert said in set(noticed.sentences(told)) and said in set(terminal(told))


def test_variables_that_predict_changes_are_said_with_where() -> None:
    results = sample.results()
    assert list(noticed.moved(results)) == []
    [first, *_] = results.runs
    rows = tuple(replace(row, facts={PREDICT_MOVES: "norm/moving_mean"}) if row is first else row for row in results.runs)
    told = replace(results, runs=rows)
    [said] = noticed.moved(told)
    where = first.run.configuration
    assert said.startswith(f"{where.scenario}: predict changes norm/moving_mean on {where.environment}. So predicting twice")
    assert said in set(noticed.sentences(told)) and said in set(terminal(told))


def test_attributes_that_training_sets_are_said_once_for_each_model() -> None:
    results = sample.results()
    assert list(noticed.altered(results)) == []
    told = {ALTERED: "leaky.negative_slope 0.9 -> 0.1"}
    rows = tuple(replace(row, facts={**row.facts, **told}) for row in results.runs)
    said = list(noticed.altered(replace(results, runs=rows)))
    scenarios = {row.run.configuration.scenario for row in rows}
    assert len(said) == len(scenarios)
    first = next(one for one in said if one.startswith(rows[0].run.configuration.scenario))
    assert "training sets leaky.negative_slope 0.9 -> 0.1. A compiled training step keeps the number" in first
    whole = replace(results, runs=rows)
    assert set(said) <= set(noticed.sentences(whole)) and set(said) <= set(terminal(whole))
    words = "training sets leaky.negative"
    assert (words in html.text(whole) and words.replace("_", "\\_") in markdown.text(whole)) or words in markdown.text(whole)
    assert words not in html.text(results)


def test_what_is_of_a_run_is_no_fact_of_its_environment() -> None:
    results = sample.results()
    told = {FORMATS: '{"out": ["float32", "float32"]}', OUTSIDE: "out/late", MEMORY: "memory", PREDICT_MOVES: "norm/n"}
    rows = tuple(replace(row, facts={**row.facts, **told, "threads": "2"} if row.facts else {}) for row in results.runs)
    named = {name for name, _, _ in html._facts(replace(results, runs=rows))}
    assert "threads" in named and named.isdisjoint(told)
