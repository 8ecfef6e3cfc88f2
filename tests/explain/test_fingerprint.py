"""A finding is recognised tomorrow: other numbers, orders and runs change nothing; another cause, place or scenario does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from suite.explain import findings, fingerprint
from suite.records import ConsistencyCheck, Finding, Pair, Place, Verdict
from tests.report import sample

RESULTS = sample.results(verdicts=(Verdict.DIFFERENT,), healthy=True)
PLACE = Place(stage="gradient", tensor="norm/gamma", state="20", size=0.1, ratio=300.0)


def named(
    pairs: Sequence[Pair], checks: Sequence[ConsistencyCheck] = (), place: Place | None = PLACE, cause: str = ""
) -> tuple[Finding, ...]:
    """Findings of these, all with that place."""
    found = [
        replace(one, place=place, cause=cause or one.cause)
        for one in findings.group([replace(pair, side="") for pair in pairs], checks, ())
    ]
    return fingerprint.named(found, [replace(pair, side="") for pair in pairs], checks)


def larger(pair: Pair) -> Pair:
    """The same with other numbers, other steps, and one bit more or less."""
    return replace(
        pair,
        quantities=tuple(
            replace(
                judged,
                first_step=7,
                worst_tensor="other",
                limits={},
                distances=replace(judged.distances, at=(), tensors=()),
            )
            for judged in pair.quantities
        ),
    )


BASE = named(RESULTS.pairs)[0]


def test_it_is_short_and_hexadecimal() -> None:
    assert len(BASE.fingerprint) == fingerprint.LENGTH
    assert int(BASE.fingerprint, 16) >= 0


@pytest.mark.parametrize(
    "pairs",
    [
        RESULTS.pairs[::-1],
        tuple(replace(pair, a=pair.b, b=pair.a) for pair in RESULTS.pairs),
        tuple(larger(pair) for pair in RESULTS.pairs),
        tuple(replace(pair, a=pair.a.replace("-x2", "-x8"), b=pair.b.replace("-x2", "-x8")) for pair in RESULTS.pairs),
    ],
    ids=["another order", "sides exchanged", "other magnitudes", "more devices"],
)
def test_what_is_the_same_finding(pairs: tuple[Pair, ...]) -> None:
    found = named(pairs)
    assert [one.fingerprint for one in found] == [BASE.fingerprint]
    assert found[0].parts == BASE.parts


def test_how_far_it_begins_and_from_which_step_do_not_matter() -> None:
    assert (
        named(RESULTS.pairs, place=replace(PLACE, state="saturated", size=9.0, ratio=1.0))[0].fingerprint == BASE.fingerprint
    )


@pytest.mark.parametrize(
    ("pairs", "place", "cause"),
    [
        (RESULTS.pairs, PLACE, "another cause"),
        (RESULTS.pairs, replace(PLACE, stage="forward"), ""),
        (RESULTS.pairs, replace(PLACE, tensor="norm/beta"), ""),
        (RESULTS.pairs, None, ""),
        (tuple(pair for pair in RESULTS.pairs if pair.scenario == "sync-bn"), PLACE, ""),
        (tuple(pair for pair in RESULTS.pairs if "torch" not in pair.b), PLACE, ""),
        (tuple(replace(pair, quantities=pair.quantities[:1]) for pair in RESULTS.pairs), PLACE, ""),
    ],
    ids=["cause", "stage", "tensor", "no place", "fewer scenarios", "other sides", "quantity"],
)
def test_what_is_another_finding(pairs: tuple[Pair, ...], place: Place | None, cause: str) -> None:
    assert BASE.fingerprint not in [one.fingerprint for one in named(pairs, place=place, cause=cause)]


def test_numbers_versions_and_folders_in_a_cause_do_not_count() -> None:
    causes = ("off by 3.1e-05 in keras 3.15.1 (/home/a/keras/x.py)", "off by 0.2 in keras 3.16 (/b/x.py)")
    assert len({named(RESULTS.pairs, cause=cause)[0].fingerprint for cause in causes}) == 1
    assert len({named(RESULTS.pairs, cause=f"not saved: dropout_{index}/seed")[0].fingerprint for index in (1, 2)}) == 2


def test_a_part_is_the_finding_of_a_run_of_that_scenario_alone() -> None:
    alone = named([pair for pair in RESULTS.pairs if pair.scenario == "article-mlp"])[0]
    assert {part.scenario: part.fingerprint for part in BASE.parts}["article-mlp"] == alone.fingerprint
    assert len({BASE.fingerprint, *(part.fingerprint for part in BASE.parts)}) == 3


def test_pairs_and_each_kind_of_check_are_findings_of_their_own() -> None:
    found = named(RESULTS.pairs, RESULTS.checks)
    assert len(found) == 5
    assert len({one.fingerprint for one in found}) == 5


def test_where_one_side_is_off_the_others_do_not_matter() -> None:
    """The same defect of torch, found against two backends or against one."""
    against = [pair for pair in RESULTS.pairs if "/torch/single" in pair.b and "-x1" in pair.a and "article" in pair.a]
    off = [replace(pair, side=pair.b) for pair in against]
    both, one = (fingerprint.named(findings.group(pairs, (), ()), pairs, ())[0] for pairs in (off, off[:1]))
    assert len(against) == 2
    assert both.fingerprint == one.fingerprint
    elsewhere = [replace(pair, side=pair.a) for pair in against[:1]]
    assert fingerprint.named(findings.group(elsewhere, (), ()), elsewhere, ())[0].fingerprint != one.fingerprint


def test_a_finding_that_covers_nothing_known_has_no_parts() -> None:
    lost = replace(BASE, pairs=("gone | away",), fingerprint="", parts=())
    found = fingerprint.named([lost], RESULTS.pairs, ())[0]
    assert found.parts == ()
