"""A finding is recognised tomorrow: other numbers, orders and runs change nothing; another cause, place or scenario does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from suite.explain import findings, fingerprint
from suite.records import Cause, Code, Configuration, Finding, Member, Pair, Place, Run, Verdict, because, plain
from tests.report import sample

RESULTS = sample.results(verdicts=(Verdict.DIFFERENT,), healthy=True)
PLACE = Place(stage="gradient", tensor="norm/gamma", state="20", size=0.1, ratio=300.0)


def named(members: Sequence[Member], place: Place | None = PLACE, causes: tuple[Cause, ...] = ()) -> tuple[Finding, ...]:
    """Findings of these, all with that place."""
    neutral = [replace(member, side=None) if isinstance(member, Pair) else member for member in members]
    found = [replace(one, place=place, causes=causes or one.causes) for one in findings.group(neutral, ())]
    return fingerprint.named(found)


def on_more_devices(run: Run) -> Run:
    return replace(run, configuration=replace(run.configuration, devices=run.configuration.devices * 4))


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
        tuple(replace(pair, a=on_more_devices(pair.a), b=on_more_devices(pair.b)) for pair in RESULTS.pairs),
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
    ("pairs", "place", "causes"),
    [
        (RESULTS.pairs, PLACE, (Cause(code=Code.RANDOM_STREAMS),)),
        (RESULTS.pairs, PLACE, (Cause(code=Code.UNKNOWN), Cause(code=Code.RANDOM_STREAMS))),
        (RESULTS.pairs, replace(PLACE, stage="forward"), ()),
        (RESULTS.pairs, replace(PLACE, tensor="norm/beta"), ()),
        (RESULTS.pairs, None, ()),
        (tuple(pair for pair in RESULTS.pairs if pair.scenario == "sync-bn"), PLACE, ()),
        (tuple(pair for pair in RESULTS.pairs if pair.b.configuration.environment != "torch"), PLACE, ()),
        (tuple(replace(pair, quantities=pair.quantities[:1]) for pair in RESULTS.pairs), PLACE, ()),
    ],
    ids=["cause", "one more cause", "stage", "tensor", "no place", "fewer scenarios", "other sides", "quantity"],
)
def test_what_is_another_finding(pairs: tuple[Pair, ...], place: Place | None, causes: tuple[Cause, ...]) -> None:
    assert BASE.fingerprint not in [one.fingerprint for one in named(pairs, place, causes)]


def test_numbers_and_other_peoples_words_in_a_cause_do_not_count() -> None:
    def of(cause: Cause) -> str:
        return named(RESULTS.pairs, causes=(cause,))[0].fingerprint

    reasons = ("off by 3.1e-05 in keras 3.15.1 (/home/a/keras/x.py)", "off by 0.2 in keras 3.16 (/b/x.py)")
    assert len({of(because(Code.INVALID, reason)) for reason in reasons}) == 1
    assert len({of(Cause(code="bn-epsilon", detail=(("measured", text),))) for text in ("0.001", "0.002")}) == 1
    assert len({of(Cause(code="bn-epsilon", evidence=(("distance", size),))) for size in (1e-12, 1e-13)}) == 1
    lost = [Cause(code=Code.NOT_SAVED, detail=(("tensor", f"dropout_{index}/seed"),)) for index in (1, 2)]
    assert len({of(cause) for cause in lost}) == 2
    assert len({of(Cause(code=Code.UNSTABLE_KERNEL, subject=name)) for name in ("torch", "jax")}) == 2


def test_a_part_is_the_finding_of_a_run_of_that_scenario_alone() -> None:
    alone = named([pair for pair in RESULTS.pairs if pair.scenario == "article-mlp"])[0]
    assert {part.scenario: part.fingerprint for part in BASE.parts}["article-mlp"] == alone.fingerprint
    assert len({BASE.fingerprint, *(part.fingerprint for part in BASE.parts)}) == 3


def test_pairs_and_each_kind_of_check_are_findings_of_their_own() -> None:
    found = named(RESULTS.members)
    assert len(found) == 5
    assert len({one.fingerprint for one in found}) == 5


def test_where_one_side_is_off_the_others_do_not_matter() -> None:
    """The same defect of torch, found against two backends or against one."""
    torch = Configuration(scenario="article-mlp", environment="torch", strategy="single", devices=1)
    against = [pair for pair in RESULTS.pairs if pair.b == plain(torch) and pair.a.configuration.devices == 1]
    off = [replace(pair, side=pair.b) for pair in against]
    both, one = (fingerprint.named(findings.group(pairs, ()))[0] for pairs in (off, off[:1]))
    assert len(against) == 2
    assert both.fingerprint == one.fingerprint
    elsewhere = [replace(pair, side=pair.a) for pair in against[:1]]
    assert fingerprint.named(findings.group(elsewhere, ()))[0].fingerprint != one.fingerprint


def test_a_finding_that_covers_nothing_has_no_parts() -> None:
    lost = replace(BASE, members=(), fingerprint="", parts=())
    assert fingerprint.named([lost])[0].parts == ()
