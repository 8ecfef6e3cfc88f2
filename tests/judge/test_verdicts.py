"""Every branch of the rule, on both sides of each limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.compare.metrics import METRICS
from suite.judge import composing, equivalence, limits, verdicts
from suite.records import (
    At,
    Cause,
    Code,
    Comparison,
    Component,
    Distances,
    Judged,
    Link,
    Place,
    TensorDistance,
    TensorGroup,
    Verdict,
    because,
)
from tests.judge.comparing import BY_DESIGN, FLOOR, A, B, at, codes, decide, distances, part, steps, verdict


def test_equal_bits_are_identical_and_nothing_else_is() -> None:
    assert verdict(distances(at(0.0), bits=True)) is Verdict.IDENTICAL
    assert verdict(distances(at(0.0))) is Verdict.ROUNDING


def test_what_cannot_be_compared_hides_no_distance_from_the_oracle_and_never_proves_that_there_is_none() -> None:
    def distance(float64: float, **fields: object) -> float | None:
        lost = distances(invalid="losses of 19 steps on one side and of 20 on the other", quantity="loss")
        return verdicts.oracle_distance(Comparison(distances=(distances(at(0.0, float64=float64)), lost), **fields))  # type: ignore[arg-type]

    assert (distance(1e-3), distance(1e-12), distance(1e-3, no_float64="none")) == (1e-3, None, None)
    grown = distances(at(1e-3, step=1, float64=1e-3, grown=1e-4))
    other = distances(at(0.0, step=1, float64=0.0), quantity="other state")
    assert verdicts.oracle_distance(Comparison(distances=(grown, other))) is None, (
        "counters are equal, weights are not known"
    )


def test_float64_runs_that_are_stored_only_after_their_rounding_grew_are_equal_within_it_and_say_nothing_beyond() -> None:
    def apart(float64: float, envelope: float) -> float | None:
        late = distances(at(1e-6, step=20, float64=float64, grown=envelope), quantity="predictions")
        return equivalence.float64_distance(late, before=10)

    assert (apart(4e-6, 1e-6), apart(6e-6, 1e-6), apart(1e-12, 0.0)) == (0.0, None, 1e-12)
    begun = distances(at(0.0, step=0, float64=0.0), at(1e-6, step=20, float64=6e-6, grown=1e-6))
    assert equivalence.float64_distance(begun, before=10) is None, "equal initial states say nothing"
    other = distances(at(1e-3, step=0, float64=1e-3), at(1e-6, step=20, float64=6e-6, grown=1e-6))
    assert equivalence.float64_distance(other, before=10) == 1e-3
    assert equivalence.float64_distance(distances(at(0.0, step=0, float64=0.0))) == 0.0
    late = distances(at(1e-6, step=20, float64=6e-6, grown=1e-6), quantity="predictions")
    early = distances(at(1e-6, step=1), at(1e-6, step=10, grown=1e-9))
    found = verdicts.judge(Comparison(distances=(early, late)))
    assert [one.verdict for one in found] == [Verdict.ROUNDING, Verdict.INCONCLUSIVE]


def test_what_is_far_beyond_rounding_that_has_grown_counts_where_weights_are_within_it() -> None:
    """Predictions that are made otherwise, from weights that only rounding tells apart."""

    def verdict_of(predicted: float, weights: float) -> Verdict:
        early = distances(at(1e-6, step=1), at(1e-6, step=20, float64=weights, grown=1e-9))
        late = distances(at(1e-6, step=20, float64=predicted, grown=1e-9), quantity="predictions")
        return verdicts.judge(Comparison(distances=(early, late)))[1].verdict

    assert verdict_of(1.1e-7, 4e-9) is Verdict.DIFFERENT
    assert verdict_of(0.9e-7, 4e-9) is Verdict.INCONCLUSIVE, "within 100 envelopes"
    assert verdict_of(1.1e-7, 6e-9) is Verdict.INCONCLUSIVE, "the weights are not within it either"
    assert verdict_of(4e-9, 6e-9) is Verdict.ROUNDING


@pytest.mark.parametrize(
    ("predicted", "envelope", "apart"), [(7e-9, 1e-16, 7e-9), (7e-9, 1e-10, None), (9e-11, 1e-16, 9e-11)]
)
def test_where_rounding_has_grown_elsewhere_a_quantity_whose_reruns_are_equal_is_compared(
    predicted: float, envelope: float, apart: float | None
) -> None:
    early = distances(at(1e-6, step=1), at(1e-6, step=20, float64=1e-11, grown=1e-9))
    late = distances(at(1e-6, step=20, float64=predicted, grown=envelope), quantity="predictions")
    assert equivalence.apart_of(late, Comparison(distances=(early, late))) == apart


@pytest.mark.parametrize(("begun", "verdict"), [(1e-2, Verdict.DIFFERENT), (0.9e-7, Verdict.INCONCLUSIVE)])
def test_what_is_far_beyond_rounding_that_has_grown_counts_where_weights_differed_before(
    begun: float, verdict: Verdict
) -> None:
    early = distances(at(1e-6, step=1, float64=begun), at(1e-6, step=20, float64=1e-2, grown=1e-9))
    late = distances(at(1e-6, step=20, float64=1.1e-7, grown=1e-9), quantity="predictions")
    assert verdicts.judge(Comparison(distances=(early, late)))[1].verdict is verdict


@pytest.mark.parametrize(
    ("apart", "grown", "expected"),
    [(1e-3, 1e-6, Verdict.DIFFERENT), (1e-3, 3e-4, Verdict.ROUNDING), (1e-3, 5e-5, Verdict.INCONCLUSIVE)],
)
def test_what_is_far_beyond_rounding_that_grows_in_the_first_step_counts(
    apart: float, grown: float, expected: Verdict
) -> None:
    """It begins from equal states: an optimizer that makes whole steps of rounding hides nothing larger."""
    found = distances(at(1e-6, step=1, float64=apart, grown=grown), at(1e-6, float64=0.1, grown=0.1))
    assert verdict(found) is expected
    together = distances(at(1e-6, step=4, float64=1e-3, grown=1e-6), at(1e-6, float64=0.1, grown=0.1))
    assert verdict(together) is Verdict.INCONCLUSIVE, "the first that is stored may come after several"


def test_invalid_comes_before_equal_bits() -> None:
    found = decide(distances(at(0.0), bits=True, invalid="x holds NaN or infinity"))
    assert (found.verdict, found.causes) == (Verdict.INVALID, (because(Code.INVALID, "x holds NaN or infinity"),))


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


@pytest.mark.parametrize(
    ("float64", "expected", "causes"),
    [
        (9.9e-11, Verdict.ROUNDING, []),
        (1e-10, Verdict.ROUNDING, [Code.BELOW_FLOAT32]),
        (9.9e-8, Verdict.ROUNDING, [Code.BELOW_FLOAT32]),
        (1e-7, Verdict.DIFFERENT, [Code.UNKNOWN]),
    ],
)
def test_float64_runs_decide_semantics(float64: float, expected: Verdict, causes: list[str]) -> None:
    found = decide(distances(at(1e-6, float64=float64)))
    assert (found.verdict, codes(found)) == (expected, causes)


def composed(*components: Component, apart: float = 1e-2) -> tuple[Verdict, list[str]]:
    found = decide(distances(at(1e-6, float64=apart)), components=components)
    return found.verdict, codes(found)


FINE, DESIGN = part(Link.STRATEGY, 1e-12), part(Link.DECLARATION, 1e-2, BY_DESIGN)
BACKEND = part(Link.BACKEND, 1e-2, B)


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


def test_what_a_perturbed_float64_run_differs_by_is_no_difference() -> None:
    """A layer computes in float32 in a float64 run: up to 5 times what a change as small does."""

    def inside(float64: float, perturbed: float) -> Judged:
        found = replace(at(1e-6, float64=float64), perturbed={"train": perturbed})
        return decide(distances(found))

    assert (inside(4.9e-7, 1e-7).verdict, codes(inside(4.9e-7, 1e-7))) == (Verdict.ROUNDING, [Code.FLOAT32_INSIDE])
    assert inside(5.1e-7, 1e-7).verdict is Verdict.DIFFERENT
    assert codes(inside(9e-11, 1e-7)) == [], "below the limit of float64 runs nothing was left out"


PLACE = Place(stage="forward", tensor="conv", state="0", size=0.1, ratio=100.0)


@pytest.mark.parametrize(("metric", "left_out"), [("train", True), ("explained", False)])
def test_only_a_judged_distance_is_left_out(metric: str, left_out: bool) -> None:
    """The share that another number explains is 1.0 in both, and no distance."""
    one = At(step=20, plain={}, envelope={}, float64={metric: 1.0}, float64_envelope={}, perturbed={metric: 1.0})
    assert equivalence.excused(Comparison(distances=(distances(one),))) is left_out
    assert METRICS[metric].judged is left_out


def test_without_float64_runs_single_float32_steps_decide() -> None:
    def found(plain: float, stepped: int, apart: int, **fields: object) -> tuple[Verdict, list[str]]:
        one = decide(
            distances(at(plain, float64=None)),
            no_float64="no float64 run: no kernel",
            stepped=stepped,
            apart_in_steps=(PLACE,) * apart,
            **fields,
        )
        return one.verdict, codes(one)

    assert found(0.2, 5, 2) == (Verdict.DIFFERENT, [Code.STEPS_APART])
    assert found(0.2, 5, 1) == (Verdict.INCONCLUSIVE, [Code.NO_FLOAT64]), "one state may be an accident"
    assert found(1e-6, 5, 0) == (Verdict.ROUNDING, [Code.NO_FLOAT64]), "and says what was not compared"
    assert found(0.2, 5, 0) == (Verdict.INCONCLUSIVE, [Code.NO_FLOAT64])
    assert found(1e-6, 1, 0) == (Verdict.INCONCLUSIVE, [Code.NO_FLOAT64])
    assert found(0.2, 5, 2, components=(FINE, BACKEND, FINE)) == (Verdict.DIFFERENT, ["b"])
    assert found(0.2, 5, 2, components=(FINE, DESIGN, FINE)) == (Verdict.INCONCLUSIVE, [Code.NO_FLOAT64])


def test_a_float64_is_what_its_oracle_is_up_to_the_limit() -> None:
    def declared(float64: float, **fields: object) -> Judged:
        found = Comparison(distances=(distances(at(float64, envelope=None, float64=float64)),))
        return verdicts.judge_declared(replace(found, **fields), (A,))[0]  # type: ignore[arg-type]

    assert (declared(9.9e-11).verdict, declared(9.9e-11).first_step) == (Verdict.ROUNDING, 0)
    assert (declared(1e-7).verdict, declared(1e-7).causes, declared(1e-7).first_step) == (Verdict.DIFFERENT, (A,), 20)
    assert codes(declared(9.9e-8)) == [Code.BELOW_FLOAT32]
    assert declared(1e-15, no_float64="no float64 run").verdict is Verdict.INCONCLUSIVE


def test_rounding_ends_at_five_envelopes() -> None:
    assert verdict(distances(at(5e-5))) is Verdict.ROUNDING
    assert verdict(distances(at(5.1e-5))) is Verdict.INCONCLUSIVE


def test_an_envelope_is_never_below_its_floor() -> None:
    assert verdict(distances(at(5 * FLOOR, envelope=0.0))) is Verdict.ROUNDING
    assert verdict(distances(at(5.1 * FLOOR, envelope=0.0))) is Verdict.INCONCLUSIVE


def test_floors_grow_with_the_compute_dtype() -> None:
    found = distances(at(1e-2, envelope=1e-7))
    assert verdict(found) is Verdict.INCONCLUSIVE
    assert verdict(found, roundoff=2.0**-8) is Verdict.ROUNDING


def test_free_runs_are_judged_up_to_step_20() -> None:
    late = distances(at(1e-6), at(0.5, step=50))
    found = decide(late)
    assert (found.verdict, codes(found)) == (Verdict.ROUNDING, [Code.AMPLIFIED_ROUNDING])


def test_a_float64_counts_at_every_step() -> None:
    assert verdict(distances(at(1e-6), at(1e-6, step=50, float64=1e-3))) is Verdict.DIFFERENT


def test_float64_runs_are_judged_until_their_own_reruns_drift() -> None:
    grown = distances(at(1e-6, step=1, grown=1e-14), at(1e-6, step=5, float64=1e-3, grown=1e-4))
    assert verdict(grown) is Verdict.ROUNDING
    early = distances(at(1e-6, step=1, float64=1e-3, grown=1e-14), at(1e-6, step=5, float64=1e-3, grown=1e-4))
    assert verdict(early) is Verdict.DIFFERENT
    still = distances(at(1e-6, step=1, grown=1e-14), at(1e-6, step=5, float64=1e-3, grown=1e-12))
    assert verdict(still) is Verdict.DIFFERENT


def test_no_float64_is_never_agreement() -> None:
    found = decide(distances(at(1e-9, float64=None)), no_float64="no float64 run: it crashed")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.causes == (because(Code.NO_FLOAT64, "no float64 run: it crashed"),)
    assert verdict(distances(at(1e-9, float64=None))) is Verdict.INCONCLUSIVE


def test_noise_is_what_repeats_differ_by() -> None:
    assert verdict(distances(at(3e-3)), repeats={"train": 1e-3}) is Verdict.NOISE
    assert verdict(distances(at(3.1e-3)), repeats={"train": 1e-3}) is Verdict.INCONCLUSIVE


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


def test_what_leaves_its_envelope_says_how_far_single_steps_are_from_float64() -> None:
    found = decide(distances(at(1.1e-4)), steps=steps((1e-6, 2e-6), (3e-5, 2e-5)))
    assert (found.verdict, codes(found)) == (Verdict.INCONCLUSIVE, [Code.BEYOND_ENVELOPE])
    assert dict(found.causes[0].evidence) == {"measured": 2.0, "a": 3e-5, "b": 2e-5, "ratio": 2.0}
    assert decide(distances(at(5.1e-5))).causes[0].evidence == ()


ALIKE = ((1e-6, 2e-6), (3e-6, 2e-6))


@pytest.mark.parametrize(
    ("apart", "sides", "expected"),
    [
        (5.1e-5, ALIKE, (Verdict.ROUNDING, [Code.STEPS_ALIKE])),
        (9.9e-5, ALIKE, (Verdict.ROUNDING, [Code.STEPS_ALIKE])),
        (1.01e-4, ALIKE, (Verdict.INCONCLUSIVE, [Code.BEYOND_ENVELOPE])),
        (5.1e-5, (), (Verdict.INCONCLUSIVE, [Code.BEYOND_ENVELOPE])),
        (5.1e-5, ALIKE[:1], (Verdict.INCONCLUSIVE, [Code.BEYOND_ENVELOPE])),
        (5.1e-5, (*ALIKE, (2e-6, 1e-3)), (Verdict.INCONCLUSIVE, [Code.BEYOND_ENVELOPE])),
        (5.1e-5, (*ALIKE, (1e-3, 2e-6)), (Verdict.INCONCLUSIVE, [Code.BEYOND_ENVELOPE])),
        (4.9e-5, (), (Verdict.ROUNDING, [])),
    ],
)
def test_a_little_beyond_its_envelope_is_rounding_where_no_single_step_is_far_from_float64(
    apart: float, sides: tuple[tuple[float, float], ...], expected: tuple[Verdict, list[str]]
) -> None:
    found = decide(distances(at(apart)), steps=steps(*sides))
    assert (found.verdict, codes(found)) == expected


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


def test_the_worst_quantity_is_the_pair_and_nothing_is_invalid() -> None:
    rounding = decide(distances(at(1e-6)))
    different = decide(distances(at(1e-6, float64=1e-2)))
    assert verdicts.worst((rounding, different, rounding)) == (Verdict.DIFFERENT, (Cause(code=Code.UNKNOWN),))
    assert verdicts.worst(()) == (Verdict.INVALID, (Cause(code=Code.NOTHING_COMPARED),))


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


def test_the_first_step_is_where_it_begins() -> None:
    growing = distances(at(0.0, step=1, float64=0.0), at(1e-6, step=2, float64=1e-4), at(1e-6, float64=1e-2))
    assert decide(growing).first_step == 2
    assert decide(distances(at(0.0, step=1), at(1e-6, step=5))).first_step == 5


def test_verdicts_are_in_order() -> None:
    words = ["identical", "rounding", "noise", "by design", "inconclusive", "different", "invalid", "not run"]
    assert [one.value for one in Verdict] == words
    assert [one.rank for one in Verdict] == list(range(8))
    assert "".join(one.mark for one in Verdict) == "=≈±∆?≠!–"


def test_every_limit_has_its_reason() -> None:
    assert all(limit.reason and limit.value > 0 for limit in limits.LIMITS)
    values = {limit.value for limit in limits.LIMITS}
    deciding = (
        equivalence.SAME_SEMANTICS,
        equivalence.OTHER_SEMANTICS,
        equivalence.ENVELOPE_FACTOR,
        limits.NOISE_FACTOR,
        limits.UNSTABLE_RATIO,
        limits.UNSTABLE_FLOORS,
        limits.UNSTABLE_STATES,
        limits.AMPLIFIED,
        limits.COMPOSED,
        limits.STEP_ENVELOPES,
        limits.NEARLY,
    )
    assert set(deciding) <= values


def test_what_a_float64_runs_own_reruns_differ_by_is_no_distance_between_float64_runs() -> None:
    near, far = at(1e-6, float64=4.9e-10, grown=9.9e-11), at(1e-6, float64=5.1e-10, grown=9.9e-11)
    assert equivalence.float64_distance(distances(near)) == 0.0
    assert equivalence.float64_distance(distances(far)) == 5.1e-10
    # Below the limit every distance is told as it is.
    small = at(1e-6, float64=9e-11, grown=9e-11)
    assert equivalence.float64_distance(distances(small)) == 9e-11
    assert [equivalence.excused(Comparison(distances=(distances(one),))) for one in (near, far, small)] == [
        True,
        False,
        False,
    ]
    # From the step at which the reruns themselves are apart, nothing is judged.
    assert equivalence.excused(Comparison(distances=(distances(at(1e-6, float64=1e-3, grown=1e-10)),)))
