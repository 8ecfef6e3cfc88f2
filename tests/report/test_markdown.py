"""summary.md against a golden file, within its size, and with nothing of a plugin's name taken for markup."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from suite.records import Change, Move, Part, SelfTest
from suite.report import markdown
from tests.report import sample

GOLDEN = Path(__file__).with_name("golden_summary.md")


def test_the_summary_is_the_golden_one() -> None:
    """To accept a change: python -m tests.report.test_markdown."""
    assert markdown.text(sample.results()) == GOLDEN.read_text(encoding="utf-8")


def test_a_summary_that_would_be_too_long_is_cut_and_says_so() -> None:
    results = sample.results()
    text = markdown.text(replace(results, findings=results.findings * 2000))
    assert len(text.encode()) <= markdown.LONGEST
    assert text.startswith("# Mostly. ")
    assert text.endswith(f"{markdown.CUT}\n")
    assert markdown.CUT not in markdown.text(results)


def test_without_a_baseline_the_summary_says_nothing_about_change() -> None:
    text = markdown.text(replace(sample.results(), change=None))
    assert "hanged" not in text
    assert "as they were" not in text


def test_of_many_moves_some_are_shown_and_the_rest_counted() -> None:
    moves = tuple(Move(about="verdict", name=f"pair {index}", how="new", now="rounding") for index in range(300))
    text = markdown.text(replace(sample.results(), change=Change(baseline="a.json", moves=moves)))
    assert text.count("- verdict `pair ") == markdown.SHOWN
    assert f"- and {300 - markdown.SHOWN} more" in text
    assert "300 new:" in text


def test_a_finding_accepted_in_some_scenarios_says_in_which() -> None:
    parts = (Part(scenario="a", fingerprint="1", accepted="why"), Part(scenario="b", fingerprint="2"))
    results = sample.results()
    text = markdown.text(replace(results, findings=(replace(results.findings[0], parts=parts, accepted=""),)))
    assert "  - Accepted in 1 of 2 scenarios: a: why" in text


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (None, "Self-test: No self-test was kept, so it is unknown how often verdicts and causes are right."),
        (SelfTest(damage="it is_torn"), "Self-test: It is unknown how often verdicts and causes are right: it is\\_torn."),
    ],
)
def test_without_a_self_test_the_summary_says_so(found: SelfTest | None, line: str) -> None:
    text = markdown.text(replace(sample.results(), self_test=found))
    assert f"{line} To measure it: `nox -s selftest -- --keep`\n" in text


@pytest.mark.parametrize("words", ["a|b", "<img src=x onerror=alert(1)>", "`x`", "[a](javascript:1)", "*a*", "one\ntwo"])
def test_a_name_is_no_markup(words: str) -> None:
    results = sample.results()
    row = replace(results.runs[0], reason=words)
    change = replace(sample.CHANGE, baseline=words)
    scenarios = (replace(results.scenarios[0], name=words),)
    hostile = replace(results, change=change, scenarios=scenarios, runs=(row,), quality=())  # a table of its own width
    text = markdown.text(hostile)
    for line in text.splitlines():
        assert "<img" not in line
        assert not line.startswith("two")
    [heading] = [line for line in text.splitlines() if line.startswith("## Changed since ")]
    assert heading.removeprefix("## Changed since ").replace("\\", "").replace("&lt;", "<") == " ".join(words.split())
    headers = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.replace("\\|", "").count("|") for line in headers} == {3}


if __name__ == "__main__":
    GOLDEN.write_text(markdown.text(sample.results()), encoding="utf-8")
