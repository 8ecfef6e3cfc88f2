"""What is accepted up to a day does not fail the gate, and nothing else is let through with it."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from suite.explain import findings, fingerprint
from suite.records import Finding, KnownDifference, Results, Status, Verdict
from suite.results import accepted
from suite.results.exit_code import BROKEN_RUN, exit_code
from tests.report import sample

DAY = datetime.date(2027, 1, 31)
RESULTS = sample.results(verdicts=(Verdict.DIFFERENT,), healthy=True)


def found(results: Results) -> tuple[Finding, ...]:
    return fingerprint.named(findings.group(results.members, ()))


FOUND = found(RESULTS)


def known(fingerprint: str, *scenarios: str) -> KnownDifference:
    return KnownDifference(
        fingerprint=fingerprint, reason=f"why {fingerprint[:2]}", expires="2027-01-31", scenarios=scenarios
    )


def code(findings_: tuple[Finding, ...], results: Results = RESULTS) -> int:
    excused = replace(results, findings=findings_).excused
    return exit_code(results.members, results.runs, (), Verdict.DIFFERENT, excused=excused)


ALL = tuple(known(one.fingerprint) for one in FOUND)


def test_all_known_is_no_failure_and_says_why() -> None:
    marked, states = accepted.mark(FOUND, ALL, RESULTS.runs, DAY)
    assert code(marked) == 0
    assert {one.state for one in states} == {"shows"}
    assert [one.accepted for one in marked] == [one.reason for one in ALL]
    assert code(FOUND) == 1


def test_the_day_after_it_fails_again() -> None:
    marked, states = accepted.mark(FOUND, ALL, RESULTS.runs, DAY + datetime.timedelta(days=1))
    assert code(marked) == 1
    assert {one.state for one in states} == {"expired"}
    assert {one.accepted for one in marked} == {""}


def test_one_that_is_not_known_fails() -> None:
    for index in range(len(ALL)):
        marked, _ = accepted.mark(FOUND, ALL[:index] + ALL[index + 1 :], RESULTS.runs, DAY)
        assert code(marked) == 1


def test_one_scenario_of_a_finding_can_be_known() -> None:
    part = FOUND[0].parts[0]
    marked, states = accepted.mark(FOUND, [known(part.fingerprint)], RESULTS.runs, DAY)
    assert states[0].state == "shows"
    assert marked[0].accepted == ""
    assert [one.accepted for one in marked[0].parts] == [states[0].reason, ""]
    covered = {name for name, reason in marked[0].excuses().items() if reason}
    assert covered == {member.id for member in FOUND[0].members if member.scenario == part.scenario}
    both = [known(one.fingerprint) for one in FOUND[0].parts]
    assert accepted.mark(FOUND, both, RESULTS.runs, DAY)[0][0].accepted == "; ".join(one.reason for one in both)


def test_a_scenario_whose_name_begins_like_another_is_not_let_through() -> None:
    results = sample.results(("one", "one-more"), verdicts=(Verdict.DIFFERENT,), healthy=True)
    first = found(results)[0]
    marked, _ = accepted.mark([first], [known(first.parts[0].fingerprint)], results.runs, DAY)
    assert {name.split("/")[0] for name, reason in marked[0].excuses().items() if reason} == {"one"}


@pytest.mark.parametrize(
    ("scenarios", "status", "state"),
    [
        ((), Status.COMPLETE, "gone"),
        (("article-mlp",), Status.COMPLETE, "gone"),
        (("article-mlp",), Status.UNSUPPORTED, "gone"),
        (("article-mlp",), Status.FAILED, "not looked for"),
        (("article-mlp", "elsewhere"), Status.COMPLETE, "not looked for"),
    ],
)
def test_one_that_does_not_show_is_gone_only_if_it_was_looked_for(
    scenarios: tuple[str, ...], status: Status, state: str
) -> None:
    rows = (replace(RESULTS.runs[0], status=status), *RESULTS.runs[1:])
    _, states = accepted.mark(FOUND, [known("00000000", *scenarios)], rows, DAY)
    assert states[0].state == state


def test_a_run_that_failed_is_never_excused() -> None:
    results = sample.results(verdicts=(Verdict.DIFFERENT,))
    every = found(results)
    marked, _ = accepted.mark(every, [known(one.fingerprint) for one in every], results.runs, DAY)
    assert code(marked, results) == BROKEN_RUN
