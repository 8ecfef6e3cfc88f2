"""Which causes a difference has: those of the parts that it is composed of, and those that are known of its sides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.judge import composing, equivalence, verdicts
from suite.records import Cause, Code, Comparison, Component, Distances, Link, TensorDistance, TensorGroup, Verdict, because
from tests.judge.comparing import BACKEND, BY_DESIGN, DESIGN, FINE, A, B, at, codes, decide, distances, part, verdict


@pytest.mark.parametrize("quantity", ["optimizer state", "predictions"])
def test_an_optimizer_that_comes_back_without_slots_is_a_difference(quantity: str) -> None:
    """What else cannot be compared is not explained by that."""
    other = replace(distances(at(0.0), invalid="8 tensors are on one side only"), quantity=quantity)
    lost = Cause(code=Code.SLOTS_NOT_SAVED, detail=(("tensor", "head/kernel/momentum"),))
    file = Component(link=Link.FILE, environment="torch", distances={quantity: 1.0}, causes=(lost,))
    (found,) = verdicts.judge(Comparison(distances=(other,), components=(file,)))
    if quantity == "optimizer state":
        assert (found.verdict, found.causes) == (Verdict.DIFFERENT, (lost,))
    else:
        assert found.verdict is Verdict.INVALID


def test_a_side_that_keeps_less_than_its_model_asks_for_is_named() -> None:
    other = distances(at(0.0), invalid="x is float32(1,) on one side and float64(1,) on the other")
    narrowed = {other.quantity: (1, "float32 for float64")}
    (found,) = verdicts.judge(Comparison(distances=(other,), narrowed=narrowed, environments=("torch", "jax")))
    (cause,) = found.causes
    assert (found.verdict, cause.code, cause.subject) == (Verdict.DIFFERENT, Code.NARROWED, "jax")
    assert cause.detail == (("formats", "float32 for float64"),)


def composed(*components: Component, apart: float = 1e-2) -> tuple[Verdict, list[str]]:
    found = decide(distances(at(1e-6, float64=apart)), components=components)
    return found.verdict, codes(found)


def test_a_declared_difference_is_by_design_if_it_explains_the_whole() -> None:
    assert composed(FINE, DESIGN, FINE) == (Verdict.BY_DESIGN, [Code.BY_DESIGN])
    assert composed(FINE, DESIGN, FINE, apart=1.9e-2) == (Verdict.BY_DESIGN, [Code.BY_DESIGN])
    assert composed(FINE, DESIGN, FINE, apart=2.1e-2) == (Verdict.DIFFERENT, [Code.BY_DESIGN, Code.UNKNOWN])
    # A declaration explains nothing where the float64 runs are equal.
    assert verdict(distances(at(1e-6)), components=(FINE, DESIGN, FINE)) is Verdict.ROUNDING


def test_a_pair_has_the_causes_of_all_its_parts_each_once() -> None:
    off = part(Link.STRATEGY, 1e-2, A)
    assert composed(off, DESIGN, FINE) == (Verdict.DIFFERENT, ["a", Code.BY_DESIGN])
    assert composed(off, BACKEND, off) == (Verdict.DIFFERENT, ["a", "b"])
    assert composed(FINE, DESIGN, BACKEND, DESIGN, FINE) == (Verdict.DIFFERENT, [Code.BY_DESIGN, "b"])


def test_a_part_that_makes_no_difference_is_no_cause() -> None:
    assert composed(part(Link.STRATEGY, 9.9e-11, A), DESIGN, FINE) == (Verdict.BY_DESIGN, [Code.BY_DESIGN])
    assert composed(part(Link.STRATEGY, 9.9e-8, A), DESIGN, FINE) == (Verdict.BY_DESIGN, [Code.BY_DESIGN])
    assert composed(part(Link.STRATEGY, 1e-7, A), DESIGN, FINE) == (Verdict.DIFFERENT, ["a", Code.BY_DESIGN])
    assert composed(FINE, part(Link.BACKEND, 0.0, B), FINE) == (Verdict.DIFFERENT, [Code.UNKNOWN])
    elsewhere = Component(link=Link.BACKEND, environment="jax", distances={"predictions": 1e-2}, causes=(B,))
    assert composed(FINE, elsewhere, FINE) == (Verdict.DIFFERENT, [Code.UNKNOWN]), "a different quantity"


def test_missing_evidence_is_inconclusive_and_neither_a_difference_nor_agreement() -> None:
    lost = part(Link.DECLARATION, None, missing="no oracle: it was killed")
    found = decide(distances(at(1e-6, float64=1e-2)), components=(FINE, lost, FINE))
    assert (found.verdict, found.causes) == (
        Verdict.INCONCLUSIVE,
        (because(Code.UNCHECKED, "no oracle: it was killed", "torch"),),
    )
    between = part(Link.BACKEND, None, missing="torch and jax: no oracle")
    (cause,) = decide(distances(at(1e-6, float64=1e-2)), components=(FINE, between, FINE)).causes
    assert cause.subject == "", "it is about both"
    assert composed(FINE, DESIGN, lost, FINE) == (Verdict.BY_DESIGN, [Code.BY_DESIGN]), "the rest explains the whole"
    assert composed(FINE, DESIGN, lost, FINE, apart=1.0) == (Verdict.INCONCLUSIVE, [Code.BY_DESIGN, Code.UNCHECKED])
    off = part(Link.STRATEGY, 1e-3, A)
    assert composed(off, lost, FINE) == (Verdict.DIFFERENT, ["a", Code.UNCHECKED]), "what is known to be wrong stays wrong"
    unknown = part(Link.STRATEGY, 1e-3, Cause(code=Code.UNKNOWN))
    assert composed(unknown, lost, FINE)[0] is Verdict.INCONCLUSIVE


def test_nan_on_both_sides_is_the_scenarios_and_on_one_side_a_difference() -> None:
    lost = distances(at(0.0), invalid="hidden/bias holds NaN or infinity")
    both = decide(lost, non_finite=(5, 5))
    assert (both.verdict, both.causes) == (
        Verdict.INVALID,
        (Cause(code=Code.NON_FINITE, evidence=(("step", 5.0),)),),
    )
    assert decide(lost, non_finite=(6, 5)).causes == both.causes, "one step more or less is rounding that has grown"
    one = decide(lost, non_finite=(None, 5), environments=("jax", "torch"))
    assert (one.verdict, one.causes[0].subject) == (Verdict.DIFFERENT, "torch")
    assert decide(distances(at(0.0), bits=True), non_finite=(5, 5)).verdict is Verdict.INVALID, "equal NaN is no agreement"


def test_random_streams_are_never_rounding() -> None:
    assert codes(decide(distances(at(1e-7)), random_streams="backends")) == [Code.RANDOM_STREAMS]
    assert verdict(distances(at(0.5)), random_streams="backends") is Verdict.BY_DESIGN
    assert verdict(distances(at(0.5, float64=0.1)), random_streams="backends") is Verdict.DIFFERENT
    below = part(Link.BACKEND, 1e-8, Cause(code=Code.DEFINITION, subject="jax"))
    found = decide(distances(at(0.5, float64=1e-8)), random_streams="backends", components=(below,))
    assert (found.verdict, codes(found)) == (Verdict.BY_DESIGN, [Code.RANDOM_STREAMS]), "float32 cannot show a part so small"


@pytest.mark.parametrize(
    ("link", "cause", "verdict"),
    [
        (Link.DECLARATION, BY_DESIGN, Verdict.BY_DESIGN),
        (Link.BACKEND, Cause(code=Code.DEFINITION, subject="jax"), Verdict.DIFFERENT),
    ],
)
def test_different_random_numbers_are_named_beside_whatever_else_differs(link: Link, cause: Cause, verdict: Verdict) -> None:
    apart = Component(link=link, environment="torch", distances={"trainable weights": 0.1}, causes=(cause,))
    found = decide(distances(at(0.5, float64=0.1)), random_streams="backends", components=(apart,))
    assert (found.verdict, codes(found)) == (verdict, [cause.code, Code.RANDOM_STREAMS])


@pytest.mark.parametrize(
    ("code", "verdict"), [(Code.LOADED_DIFFERENTLY, Verdict.DIFFERENT), (Code.UNKNOWN, Verdict.INCONCLUSIVE)]
)
def test_what_a_file_is_known_to_have_lost_is_different_where_only_float32_shows_it(code: Code, verdict: Verdict) -> None:
    held = part(Link.FILE, 1.0, Cause(code=code))
    assert decide(distances(at(0.5, float64=1e-13)), components=(held,)).verdict is verdict


def test_numbers_that_each_replica_draws_for_itself_are_told_from_those_that_backends_draw() -> None:
    [of_backends] = decide(distances(at(1e-7)), random_streams="backends").causes
    [of_replicas] = decide(distances(at(1e-7)), random_streams="replicas").causes
    assert (of_backends.detail, of_replicas.detail) == ((), (("drawn by", "replicas"),))


BOTH = (True, True)


@pytest.mark.parametrize("side", [0, 1])
def test_what_only_one_side_predicts_with_random_numbers_is_different(side: int) -> None:
    apart = replace(distances(at(0.5, float64=0.5)), quantity="predictions")
    found = decide(apart, random_predictions=(side == 0, side == 1), environments=("tensorflow", "jax"))
    cause = Cause(code=Code.DRAWS_IN_PREDICT, subject=("tensorflow", "jax")[side])
    assert (found.verdict, found.causes) == (Verdict.DIFFERENT, (cause,))


@pytest.mark.parametrize("quantity", ["predictions", "evaluation"])
def test_what_is_predicted_with_random_numbers_is_not_compared(quantity: str) -> None:
    apart = replace(distances(at(0.5, float64=0.5)), quantity=quantity)
    found = decide(apart, random_predictions=BOTH)
    assert (found.verdict, codes(found)) == (Verdict.BY_DESIGN, [Code.RANDOM_PREDICTIONS])
    assert verdict(apart) is Verdict.DIFFERENT
    assert verdict(distances(at(0.5, float64=0.5)), random_predictions=BOTH) is Verdict.DIFFERENT, "weights are"
    assert verdict(replace(apart, bits=True), random_predictions=BOTH) is Verdict.IDENTICAL
    assert equivalence.apart_of(apart, Comparison(distances=(apart,))) == 0.5
    assert equivalence.apart_of(apart, Comparison(distances=(apart,), random_predictions=BOTH)) is None


def test_a_model_that_cannot_go_on_in_plain_keras_is_not_equal_to_its_file() -> None:
    equal = replace(distances(at(0.0)), bits=True)
    found = decide(equal, shared_averages=True, environments=("jax", "jax"))
    assert (found.verdict, codes(found), found.causes[0].subject) == (Verdict.DIFFERENT, [Code.SHARED_AVERAGES], "jax")
    assert verdict(equal) is Verdict.IDENTICAL
    apart = decide(distances(at(0.5, float64=0.5)), shared_averages=True, environments=("jax", "jax"))
    assert codes(apart) == [Code.SHARED_AVERAGES, Code.UNKNOWN], "what differs beside it is not hidden"


def test_other_formats_are_a_difference_whatever_rounding_hides() -> None:
    formats = Cause(code=Code.OTHER_FORMATS, subject="jax", detail=(("layer", "out"),))
    for equal in (replace(distances(at(0.0)), bits=True), distances(at(1e-7, float64=0.0))):
        found = decide(equal, formats=formats)
        assert (found.verdict, found.causes) == (Verdict.DIFFERENT, (formats,))
    apart = decide(distances(at(0.5, float64=0.5)), formats=formats)
    assert codes(apart) == [Code.OTHER_FORMATS, Code.UNKNOWN], "what differs beside it is not hidden"


def test_what_is_not_saved_is_named() -> None:
    found = Distances(
        quantity="moving statistics",
        bits=False,
        at=(at(0.5, float64=0.5),),
        tensors=(
            TensorDistance(name="norm/moving_variance", group=TensorGroup.MOVING_VARIANCE, value=0.5, ulp=0.0, bits=False),
        ),
    )
    detail = (("tensor", "norm/moving_variance"),)
    assert decide(found, unsaved=("norm/moving_variance",)).causes == (Cause(code=Code.NOT_SAVED, detail=detail),)
    assert decide(found, renewed=("norm/moving_variance",)).causes == (Cause(code=Code.RENEWED, detail=detail),)
    assert codes(decide(found, unsaved=("other/kernel",))) == [Code.UNKNOWN]


def test_each_way_to_lose_a_tensor_has_a_cause_of_its_own_with_every_name() -> None:
    names = [f"layer_{index}/state" for index in range(5)]
    tensors = tuple(TensorDistance(name=name, group=None, value=1.0, ulp=0.0, bits=False) for name in (*names, "kept"))
    found = Distances(quantity="other state", bits=False, at=(at(1.0, float64=1.0),), tensors=tensors)
    assert decide(found, unsaved=tuple(names[:4]), renewed=(names[4],)).causes == (
        Cause(code=Code.NOT_SAVED, detail=tuple(("tensor", name) for name in names[:4])),
        Cause(code=Code.RENEWED, detail=(("tensor", names[4]),)),
    )


def test_a_verdict_has_all_causes_of_the_worst_quantities_each_once() -> None:
    known = decide(distances(at(1e-6, float64=1e-2)), components=(part(Link.STRATEGY, 1e-2, A),))
    unknown = decide(distances(at(1e-6, float64=1e-2)))
    verdict, causes = verdicts.worst((known, unknown, known, decide(distances(at(1e-6)))))
    assert (verdict, [cause.code for cause in causes]) == (Verdict.DIFFERENT, ["a", Code.UNKNOWN])
    near, far = (Cause(code="a", evidence=(("distance", size),)) for size in (1e-12, 1e-11))
    assert composing.united([(near,), (far, B)]) == (near, B), "numbers make no cause of their own"


def test_what_is_unknown_is_one_cause() -> None:
    nobody, torch, jax = (Cause(code=Code.UNKNOWN, subject=name) for name in ("", "torch", "jax"))
    assert composing.united([(torch,), (A, nobody), (jax,)]) == (A, nobody)
    assert composing.united([(nobody,), (torch,)]) == (torch,)
