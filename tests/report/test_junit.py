"""junit.xml: which cases fail, are errors or are skipped; and that every log gives valid XML."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from suite.records import Part, Results, Status, Verdict, plain
from suite.report import junit
from tests.report import sample


def suites(results: Results) -> dict[str, ElementTree.Element]:
    return {one.attrib["name"]: one for one in ElementTree.fromstring(junit.text(results))}


def kinds(suite: ElementTree.Element, kind: str) -> int:
    """How many cases of a suite are of this kind. The suite's own count is asserted to be the same."""
    found = sum(case.find(kind) is not None for case in suite)
    plural = {"failure": "failures", "error": "errors", "skipped": "skipped"}[kind]
    assert suite.attrib[plural] == str(found)
    return found


@pytest.mark.parametrize(
    "gate", [verdict for verdict in Verdict if verdict is not Verdict.NOT_RUN], ids=lambda one: one.value
)
def test_a_verdict_as_bad_as_the_gate_fails(gate: Verdict) -> None:
    results = sample.results(gate=gate.value)
    found = suites(results)
    for name, members in (("pairs", results.pairs), ("checks", results.checks)):
        bad = [one for one in members if gate.rank <= one.verdict.rank and one.verdict is not Verdict.NOT_RUN]
        assert kinds(found[name], "failure") == len(bad) > 0
        assert int(found[name].attrib["tests"]) == len(found[name]) == len(members)


def test_pairs_of_a_failed_run_are_errors_and_of_an_unsupported_one_skipped() -> None:
    results = sample.results(verdicts=(Verdict.IDENTICAL,))
    pairs = suites(results)["pairs"]
    failed = sum(plain(sample.FAILED) in one.runs for one in results.pairs)
    refused = sum(plain(sample.REFUSED) in one.runs for one in results.pairs)
    assert (kinds(pairs, "error"), kinds(pairs, "skipped"), kinds(pairs, "failure")) == (failed, refused - 1, 0)


def test_a_pair_of_complete_runs_that_could_not_be_compared_is_an_error() -> None:
    pairs = suites(sample.results(verdicts=(Verdict.NOT_RUN,), healthy=True))["pairs"]
    assert kinds(pairs, "error") == len(pairs) > 0


def test_an_accepted_difference_is_skipped_with_its_reason_and_the_rest_still_fails() -> None:
    results = sample.results(verdicts=(Verdict.DIFFERENT,), healthy=True)
    finding = replace(
        results.findings[0],
        members=results.members,
        parts=(
            Part(scenario="article-mlp", fingerprint="ab", accepted="one <pass>"),
            Part(scenario="sync-bn", fingerprint="cd"),
        ),
    )
    found = suites(replace(results, findings=(finding,)))
    for name, members in (("pairs", results.pairs), ("checks", results.checks)):
        accepted = sum(one.scenario == "article-mlp" for one in members)
        assert (kinds(found[name], "skipped"), kinds(found[name], "failure")) == (accepted, len(members) - accepted)
        skipped = [one.attrib["message"] for one in found[name].iter("skipped")]
        assert set(skipped) == {"accepted (one <pass>): different: unknown cause"}


def test_an_accepted_difference_that_would_not_fail_passes() -> None:
    results = sample.results(verdicts=(Verdict.BY_DESIGN,), healthy=True)
    part = Part(scenario="article-mlp", fingerprint="ab", accepted="why")
    finding = replace(results.findings[0], members=results.pairs, parts=(part,))
    assert kinds(suites(replace(results, findings=(finding,)))["pairs"], "skipped") == 0


def test_runs_by_status() -> None:
    results = sample.results()
    rows = tuple(replace(results.runs[0], status=status, reason="why") for status in Status)
    runs = suites(replace(results, runs=rows))["runs"]
    assert kinds(runs, "error") == sum(status.broken for status in Status)
    assert kinds(runs, "skipped") == 2, "what is unsupported, and what --budget leaves out"
    assert kinds(runs, "failure") == 0
    broken = [case.find("error") for case in runs]
    assert all(one is None or one.attrib["message"].endswith(": why") for one in broken)


def test_a_run_that_died_once_passes_and_says_so() -> None:
    said = [(case.get("name"), case.findtext("system-out")) for case in suites(sample.results())["runs"]]
    assert [one for one in said if one[1]] == [(f"{sample.CRASHED.id}/plain", f"the first attempt died: {sample.DIED}")]


def test_a_broken_plugin_is_an_error_with_its_source() -> None:
    suite = suites(sample.results())["broken"]
    assert kinds(suite, "error") == 1
    error = suite[0].find("error")
    assert error is not None
    assert error.attrib["message"] == "plugins/lost.py:3: ImportError: no module named lost"


def test_a_log_with_control_characters_is_legal_and_keeps_its_words() -> None:
    error = suites(sample.results())["runs"].find(f".//testcase[@name='{sample.FAILED.id}/plain']/error")
    assert error is not None
    assert "[31mboom[0m <b>&" in (error.text or "")
    row = replace(sample.results().runs[0], status=Status.FAILED, log="\ud800 \x00 \ufffe end")
    text = junit.text(replace(sample.results(), runs=(row,)))
    assert "end" in text.encode().decode()


def test_nothing_at_all_is_no_failure_and_no_case() -> None:
    found = suites(replace(sample.NOTHING, broken=(), jobs=()))
    assert {len(one) for one in found.values()} == {0}
