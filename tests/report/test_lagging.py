"""The sentence about an evaluation that says less than `fit` of the same rows."""

from __future__ import annotations

from dataclasses import replace

from suite.records import Configuration, Results, RunRow, Status, plain
from suite.report import lagging, markdown
from tests.report.sample import results

FACTS = {
    lagging.FIT: "accuracy 0.9, loss 0.3", lagging.EVALUATE: "accuracy 0.5, loss 2", lagging.SHARE: "82%",
    lagging.STEPS: "459", lagging.MOMENTUM: "0.79",
}  # fmt: skip


def row(environment: str, **facts: str) -> RunRow:
    configuration = Configuration(scenario="few", environment=environment, strategy="single", devices=1)
    facts = {"backend": environment, **facts}
    return RunRow(run=plain(configuration), status=Status.COMPLETE, reason="", seconds=1.0, reused=False, facts=facts)


def of(*rows: RunRow) -> Results:
    return replace(results(), runs=rows)


def test_it_says_both_numbers_where_and_what_cures_it() -> None:
    (found,) = lagging.sentences(of(row("jax", **FACTS), row("torch", **FACTS)))
    assert found.startswith(
        "few: of the rows that it trained on last, fit says accuracy 0.9, loss 0.3 and evaluate says acc"
    )
    assert "it shows on every backend" in found and "82% of these" in found
    assert found.endswith("459 steps, or momentum 0.79, leave 1 %.")


def test_it_names_the_backends_where_it_is_not_all() -> None:
    (found,) = lagging.sentences(of(row("jax"), row("torch", **FACTS)))
    assert "it shows on torch)" in found


def test_it_names_the_layers_where_it_is_not_all_of_them() -> None:
    (found,) = lagging.sentences(of(row("jax", **FACTS, **{lagging.SLOW: "per_filter"})))
    assert "82% of those of per_filter is still what they began with" in found


def test_where_nothing_lags_nothing_is_said() -> None:
    assert list(lagging.sentences(of(row("jax"), row("torch")))) == []
    assert "What fit says" not in markdown.text(of(row("jax")))
    assert "## What fit says and what evaluate says\n\n- few: of the rows" in markdown.text(of(row("jax", **FACTS)))
