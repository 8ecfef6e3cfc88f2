"""Two results against each other: what is worse, better, new and gone, and the goalposts that moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from suite.explain import findings, fingerprint
from suite.records import Cause, Code, Finding, Limit, Move, Options, Pair, Results, Run, Verdict, because
from suite.report import changes
from suite.results import baseline
from tests.report import sample


def named(results: Results) -> tuple[Finding, ...]:
    return fingerprint.named(findings.group(results.members, ()))


PLAIN = sample.results(verdicts=(Verdict.ROUNDING,), healthy=True)
FIRST = PLAIN.pairs[0]


def of(results: Results) -> list[Move]:
    return list(baseline.since(PLAIN, results, "before.json").moves)


def on_more_devices(run: Run) -> Run:
    return replace(run, configuration=replace(run.configuration, devices=run.configuration.devices + 90))


def with_pair(pair: Pair | None, results: Results = PLAIN) -> Results:
    return replace(results, pairs=(*((pair,) if pair else ()), *results.pairs[1:]))


def test_the_same_results_have_no_moves_and_say_what_was_looked_at() -> None:
    found = baseline.since(PLAIN, PLAIN, "before.json")
    members = len(PLAIN.pairs) + len(PLAIN.checks)
    assert (found.moves, found.same, found.incomparable) == ((), members, "")
    assert changes.sentence(found) == (
        "Since 2026-11-24 12:00 UTC (plan 0123456789ab): no verdict and no cause changed; "
        f"{members} of the {members} pairs and checks in both runs did not change."
    )


@pytest.mark.parametrize(
    ("before", "now", "how"),
    [
        (Verdict.ROUNDING, Verdict.DIFFERENT, "worse"),
        (Verdict.NOISE, Verdict.BY_DESIGN, "worse"),
        (Verdict.IDENTICAL, Verdict.NOT_RUN, "worse"),
        (Verdict.DIFFERENT, Verdict.BY_DESIGN, "better"),
        (Verdict.NOT_RUN, Verdict.ROUNDING, "better"),
        (Verdict.NOT_RUN, Verdict.DIFFERENT, "new"),
    ],
)
def test_a_verdict_that_moved(before: Verdict, now: Verdict, how: str) -> None:
    was, is_now = (with_pair(replace(FIRST, verdict=verdict)) for verdict in (before, now))
    found = baseline.since(was, is_now, "before.json")
    expected = Move(
        about="verdict", name=" | ".join(sorted((FIRST.a.id, FIRST.b.id))), how=how, before=before.value, now=now.value
    )
    assert [move for move in found.moves if move.about == "verdict"] == [expected]
    members = len(PLAIN.pairs) + len(PLAIN.checks)
    assert f": 1 {how}; {members - 1} of the {members} pairs and checks in both runs did not change." in changes.sentence(
        found
    )


@pytest.mark.parametrize(("gate", "hows"), [("different", []), ("rounding", ["worse"])])
def test_equal_in_another_way_is_worse_only_for_who_asks_for_bits(gate: str, hows: list[str]) -> None:
    was = with_pair(replace(FIRST, verdict=Verdict.IDENTICAL))
    now = with_pair(replace(FIRST, verdict=Verdict.ROUNDING))
    now = replace(now, plan=replace(now.plan, options=replace(now.plan.options, gate=gate)))
    assert [move.how for move in baseline.since(was, now, "").moves if move.about == "verdict"] == hows


def test_what_is_undecided_on_both_sides_is_no_news() -> None:
    def undecided(code: str) -> Results:
        found = with_pair(replace(FIRST, verdict=Verdict.INCONCLUSIVE, causes=(Cause(code=code),)))
        return replace(found, findings=named(found))

    before, after = undecided(Code.BEYOND_ENVELOPE), undecided(Code.AMPLIFIED_ROUNDING)
    assert {one.fingerprint for one in before.findings}.isdisjoint(one.fingerprint for one in after.findings)
    assert baseline.since(before, after, "").moves == ()
    assert [move.about for move in baseline.since(PLAIN, after, "").moves] == ["verdict", "finding"]


def test_what_has_no_result_any_more_is_one_line() -> None:
    lost = replace(PLAIN, pairs=tuple(replace(pair, verdict=Verdict.NOT_RUN) for pair in PLAIN.pairs))
    found = baseline.since(PLAIN, lost, "")
    _, *lines = changes.text(found)
    assert len(lines) == 1 and lines[0].startswith(f"  {len(PLAIN.pairs)} not compared any more: ")
    assert baseline.is_worse(found, "different")


def test_a_pair_that_is_new_or_gone_is_neither_better_nor_worse() -> None:
    without = with_pair(None)
    assert [move.how for move in baseline.since(PLAIN, without, "").moves] == ["gone"]
    assert [move.how for move in baseline.since(without, PLAIN, "").moves] == ["new"]


def test_a_check_that_moved_and_a_pair_whose_sides_are_exchanged() -> None:
    check = replace(PLAIN.checks[0], verdict=Verdict.INVALID)
    moved = of(replace(PLAIN, checks=(check, *PLAIN.checks[1:])))
    assert [(move.name, move.how) for move in moved if move.about == "verdict"] == [(check.id, "worse")]
    assert of(replace(PLAIN, pairs=tuple(replace(pair, a=pair.b, b=pair.a) for pair in PLAIN.pairs[::-1]))) == []


def test_another_cause_of_the_same_verdict() -> None:
    constant = Cause(code=Code.RANDOM_STREAMS, evidence=(("a", 1.0),))
    moves = of(with_pair(replace(FIRST, causes=(constant,))))
    assert [(move.about, move.how, move.before, move.now) for move in moves] == [("cause", "changed", "", "random-streams")]


def test_numbers_and_words_of_a_cause_are_no_move() -> None:
    def with_causes(*causes: Cause) -> Results:
        return with_pair(replace(FIRST, causes=causes))

    before = with_causes(Cause(code=Code.RANDOM_STREAMS, evidence=(("a", 1.0),)), because(Code.INVALID, "x holds NaN"))
    after = with_causes(Cause(code=Code.RANDOM_STREAMS, evidence=(("a", 2.0),)), because(Code.INVALID, "NaN is in x"))
    assert baseline.since(before, after, "").moves == ()


def test_findings_by_their_fingerprint() -> None:
    worse = with_pair(replace(FIRST, verdict=Verdict.DIFFERENT, causes=(Cause(code=Code.UNKNOWN),)))
    was, now = (replace(one, findings=named(one)) for one in (PLAIN, worse))
    (finding,) = now.findings
    new = [move for move in baseline.since(was, now, "").moves if move.about == "finding"]
    assert new == [Move(about="finding", name=finding.fingerprint, how="new", now=Code.UNKNOWN)]
    gone = [move for move in baseline.since(now, was, "").moves if move.about == "finding"]
    assert gone == [Move(about="finding", name=finding.fingerprint, how="gone", before=Code.UNKNOWN)]
    lighter = replace(now, findings=(replace(finding, verdict=Verdict.BY_DESIGN),))
    moved = [move for move in baseline.since(now, lighter, "").moves if move.about == "finding"]
    assert [(move.how, move.before, move.now) for move in moved] == [("better", "different", "by design")]


def package(results: Results, name: str, version: str) -> Results:
    first = results.environments[0]
    return replace(
        results, environments=(replace(first, packages={**first.packages, name: version}), *results.environments[1:])
    )


def facts(results: Results, **changed: str) -> Results:
    return replace(
        results,
        runs=tuple(
            replace(row, facts={**row.facts, **changed}) if row.run.configuration.environment == "jax" else row
            for row in results.runs
        ),
    )


GOALPOSTS: Iterable[tuple[Results, list[tuple[str, str, str, str, str]]]] = [
    (package(PLAIN, "keras", "3.16.0"), [("environment", "tensorflow: keras", "changed", "3.15.1", "3.16.0")]),
    (package(PLAIN, "more", "1"), [("environment", "tensorflow: more", "new", "", "1")]),
    (
        facts(PLAIN, jit="False"),
        [
            ("environment", "jax single ×1: jit", "changed", "True", "False"),
            ("environment", "jax jax_data_parallel ×2: jit", "changed", "True", "False"),
        ],
    ),
    (facts(PLAIN, optimizer="another"), []),
    (
        replace(PLAIN, limits=(replace(PLAIN.limits[0], value=1e-3), Limit(name="more", value=2.0, reason=""))),
        [("limit", "float64 runs are equal below", "changed", "1e-10", "0.001"), ("limit", "more", "new", "", "2")],
    ),
    (replace(PLAIN, limits=()), [("limit", "float64 runs are equal below", "gone", "1e-10", "")]),
    (
        replace(PLAIN, plan=replace(PLAIN.plan, options=Options(gate="invalid", steps=5))),
        [("option", "steps", "changed", "0", "5"), ("option", "gate", "changed", "different", "invalid")],
    ),
    (
        replace(PLAIN, scenarios=(replace(PLAIN.scenarios[0], digest="ff"), *PLAIN.scenarios[1:])),
        [("scenario", "article-mlp", "changed", "cd34", "ff")],
    ),
]


@pytest.mark.parametrize(("now", "expected"), GOALPOSTS)
def test_goalposts_that_moved_show(now: Results, expected: list[tuple[str, str, str, str, str]]) -> None:
    moves = of(now)
    assert [(move.about, move.name, move.how, move.before, move.now) for move in moves] == expected
    assert ("Their basis changed, too" in changes.sentence(baseline.since(PLAIN, now, ""))) == bool(expected)


def test_few_goalposts_are_named_in_the_sentence_and_many_counted() -> None:
    few = package(PLAIN, "keras", "3.16.0")
    assert changes.sentence(baseline.since(PLAIN, few, "")).endswith(
        " Their basis changed, too: environment tensorflow: keras: 3.15.1 → 3.16.0."
    )
    many = facts(replace(few, limits=()), jit="False", dtype="x")
    assert changes.sentence(baseline.since(PLAIN, many, "")).endswith(
        " Their basis changed, too: 5 facts of environments, 1 limit."
    )


def test_an_environment_that_cannot_be_made_any_more() -> None:
    first = replace(PLAIN.environments[0], reason="no such version", packages={})
    moves = of(replace(PLAIN, environments=(first, *PLAIN.environments[1:])))
    assert moves[0] == Move(
        about="environment", name="tensorflow", how="changed", before="ready", now="unavailable: no such version"
    )


def test_another_set_of_scenarios_is_said() -> None:
    alone = sample.results(("article-mlp",), verdicts=(Verdict.ROUNDING,), healthy=True)
    assert " Only the baseline has sync-bn." in changes.sentence(baseline.since(PLAIN, alone, ""))
    assert " Only this run has sync-bn." in changes.sentence(baseline.since(alone, PLAIN, ""))


def test_nothing_in_common_is_a_sentence_and_not_no_change() -> None:
    other = sample.results(("other",), verdicts=(Verdict.ROUNDING,), healthy=True)
    found = baseline.since(PLAIN, other, "folder/before.json")
    assert (found.moves, found.same) == ((), 0)
    assert found.incomparable == "it compared article-mlp, sync-bn, and this run other: no scenario is in both"
    assert changes.sentence(found) == f"What changed since before.json is unknown: {found.incomparable}."
    devices = replace(
        PLAIN,
        checks=(),
        pairs=tuple(replace(pair, a=on_more_devices(pair.a), b=on_more_devices(pair.b)) for pair in PLAIN.pairs),
    )
    assert baseline.since(PLAIN, devices, "").incomparable.startswith("the two runs share no pair and no check")


def test_what_is_worse_fails_and_what_is_gone_does_not() -> None:
    def worse(was: Results, now: Results, gate: str = "different") -> bool:
        return baseline.is_worse(baseline.since(was, now, ""), gate)

    different = with_pair(replace(FIRST, verdict=Verdict.DIFFERENT))
    assert worse(PLAIN, different)
    assert not worse(different, PLAIN)
    assert not worse(PLAIN, PLAIN)
    assert not worse(PLAIN, with_pair(None))
    assert not worse(with_pair(None), PLAIN)
    assert worse(with_pair(None), different)
    assert not worse(with_pair(None), different, "invalid")


def test_lines_for_a_terminal_begin_with_what_is_worse() -> None:
    now = with_pair(replace(FIRST, verdict=Verdict.DIFFERENT), package(PLAIN, "keras", "3.16.0"))
    lines = list(changes.text(baseline.since(PLAIN, now, "")))
    assert lines[0].startswith("Since 2026-11-24 12:00 UTC")
    assert [line.split()[:2] for line in lines[1:]] == [["worse", "verdict"], ["changed", "environment"]]
    assert lines[1].endswith("rounding → different")
