"""Every branch of the rule, on both sides of each limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.judge import equivalence, limits, verdicts
from suite.records import Cause, Code, Comparison, Distances, Judged, TensorDistance, TensorGroup, Verdict, because
from tests.judge.comparing import DECLARED, FLOOR, A, B, at, codes, decide, distances, steps, verdict


def test_equal_bits_are_identical_and_nothing_else_is() -> None:
    assert verdict(distances(at(0.0), bits=True)) is Verdict.IDENTICAL
    assert verdict(distances(at(0.0))) is Verdict.ROUNDING


def test_what_cannot_be_compared_hides_no_distance_from_the_oracle_and_never_proves_that_there_is_none() -> None:
    def distance(float64: float, **fields: object) -> float | None:
        lost = distances(invalid="losses of 19 steps on one side and of 20 on the other", quantity="loss")
        return verdicts.oracle_distance(Comparison(distances=(distances(at(0.0, float64=float64)), lost), **fields))  # type: ignore[arg-type]

    assert (distance(1e-3), distance(1e-12), distance(1e-3, no_float64="none")) == (1e-3, None, None)
    grown = distances(at(1e-3, step=1, float64=1e-3, grown=1e-9))
    other = distances(at(0.0, step=1, float64=0.0), quantity="other state")
    assert verdicts.oracle_distance(Comparison(distances=(grown, other))) is None, (
        "counters are equal, weights are not known"
    )


def test_float64_runs_that_are_stored_only_after_their_rounding_grew_are_equal_within_it_and_say_nothing_beyond() -> None:
    def apart(float64: float, envelope: float) -> float | None:
        late = distances(at(1e-6, step=20, float64=float64, grown=envelope), quantity="predictions")
        return equivalence.float64_distance(late, before=10)

    assert (apart(4e-6, 1e-6), apart(6e-6, 1e-6), apart(1e-12, 0.0)) == (0.0, None, 1e-12)
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


def test_invalid_comes_before_equal_bits() -> None:
    found = decide(distances(at(0.0), bits=True, invalid="x holds NaN or infinity"))
    assert (found.verdict, found.causes) == (Verdict.INVALID, (because(Code.INVALID, "x holds NaN or infinity"),))


@pytest.mark.parametrize(
    ("float64", "expected", "causes"),
    [
        (9.9e-11, Verdict.ROUNDING, []),
        (1e-10, Verdict.DIFFERENT, [Code.CONSTANT]),
        (9.9e-8, Verdict.DIFFERENT, [Code.CONSTANT]),
        (1e-7, Verdict.DIFFERENT, [Code.UNKNOWN]),
    ],
)
def test_float64_runs_decide_semantics(float64: float, expected: Verdict, causes: list[str]) -> None:
    found = decide(distances(at(1e-6, float64=float64)))
    assert (found.verdict, codes(found)) == (expected, causes)


Off = tuple[tuple[Cause, ...], tuple[Cause, ...]]


def apart(
    oracles: tuple[float | None, float | None], off: Off = ((), ()), declared: dict[str, str] = DECLARED
) -> tuple[Verdict, list[str]]:
    found = decide(distances(at(1e-6, float64=1e-2)), declared=declared, oracles=oracles, off=off)
    return found.verdict, codes(found)


def test_a_declared_difference_is_by_design_if_each_side_equals_its_oracle() -> None:
    assert apart((9.9e-11, 0.0)) == (Verdict.BY_DESIGN, [Code.BY_DESIGN])
    assert apart((9.9e-11, None)) == (Verdict.DIFFERENT, [Code.BY_DESIGN_UNCHECKED])
    found = decide(distances(at(1e-6, float64=1e-2)), declared=DECLARED, oracles=(9.9e-11, 0.0))
    assert found.causes[0].detail == (("batch statistics", "global or per replica"),)
    assert found.causes[0].evidence == (("a", 9.9e-11), ("b", 0.0)), "how far each side is from its own oracle"
    # A declaration explains nothing where the float64 runs are equal.
    assert verdict(distances(at(1e-6)), declared=DECLARED) is Verdict.ROUNDING


def test_a_side_that_is_not_its_oracle_is_never_by_design() -> None:
    assert apart((1e-10, 0.0)) == (Verdict.DIFFERENT, [Code.UNKNOWN])
    assert apart((0.0, 1e-3), ((A,), (B,))) == (Verdict.DIFFERENT, ["b"])
    assert apart((1e-3, 1e-3), ((A,), (B,))) == (Verdict.DIFFERENT, ["a", "b"])
    assert apart((1e-3, 1e-3), ((A,), (A,))) == (Verdict.DIFFERENT, ["a"]), "one cause of both is said once"
    assert apart((1e-3, 1e-3), ((A,), ())) == (Verdict.DIFFERENT, [Code.UNKNOWN])
    # What is suspected of a side that is not off is not a cause.
    assert apart((0.0, 0.0), ((A,), ()), declared={}) == (Verdict.DIFFERENT, [Code.UNKNOWN])


def test_a_float64_is_what_its_oracle_is_up_to_the_limit() -> None:
    def declared(float64: float, **fields: object) -> Judged:
        found = Comparison(distances=(distances(at(float64, envelope=None, float64=float64)),))
        return verdicts.judge_declared(replace(found, **fields), (A,))[0]  # type: ignore[arg-type]

    assert (declared(9.9e-11).verdict, declared(9.9e-11).first_step) == (Verdict.ROUNDING, 0)
    assert (declared(1e-10).verdict, declared(1e-10).causes, declared(1e-10).first_step) == (Verdict.DIFFERENT, (A,), 20)
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
    assert codes(decide(distances(at(1e-7)), random_streams=True)) == [Code.RANDOM_STREAMS]
    assert verdict(distances(at(0.5)), random_streams=True) is Verdict.BY_DESIGN
    assert verdict(distances(at(0.5, float64=0.1)), random_streams=True) is Verdict.DIFFERENT


def test_what_leaves_its_envelope_says_how_far_single_steps_are_from_float64() -> None:
    found = decide(distances(at(5.1e-5)), steps=steps((1e-6, 2e-6), (3e-5, 2e-5)))
    assert (found.verdict, codes(found)) == (Verdict.INCONCLUSIVE, [Code.BEYOND_ENVELOPE])
    assert dict(found.causes[0].evidence) == {"measured": 2.0, "a": 3e-5, "b": 2e-5, "ratio": 2.0}
    assert decide(distances(at(5.1e-5))).causes[0].evidence == ()


def test_what_is_not_saved_is_named() -> None:
    found = Distances(
        quantity="moving statistics",
        bits=False,
        at=(at(0.5, float64=0.5),),
        tensors=(
            TensorDistance(name="norm/moving_variance", group=TensorGroup.MOVING_VARIANCE, value=0.5, ulp=0.0, bits=False),
        ),
    )
    lost = Cause(code=Code.NOT_SAVED, detail=(("tensor", "norm/moving_variance"),))
    assert decide(found, unsaved=("norm/moving_variance",)).causes == (lost,)
    assert codes(decide(found, unsaved=("other/kernel",))) == [Code.UNKNOWN]


def test_the_worst_quantity_is_the_pair_and_nothing_is_invalid() -> None:
    rounding = decide(distances(at(1e-6)))
    different = decide(distances(at(1e-6, float64=1e-2)))
    assert verdicts.worst((rounding, different, rounding)) == (Verdict.DIFFERENT, (Cause(code=Code.UNKNOWN),))
    assert verdicts.worst(()) == (Verdict.INVALID, (Cause(code=Code.NOTHING_COMPARED),))


def test_a_verdict_has_all_causes_of_the_worst_quantities_each_once() -> None:
    constant = decide(distances(at(1e-6, float64=1e-9)))
    unknown = decide(distances(at(1e-6, float64=1e-2)))
    verdict, causes = verdicts.worst((constant, unknown, constant, decide(distances(at(1e-6)))))
    assert (verdict, [cause.code for cause in causes]) == (Verdict.DIFFERENT, [Code.CONSTANT, Code.UNKNOWN])
    near, far = (Cause(code="a", evidence=(("distance", size),)) for size in (1e-12, 1e-11))
    assert verdicts.united([(near,), (far, B)]) == (near, B), "numbers make no cause of their own"


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
    )
    assert set(deciding) <= values


@pytest.mark.parametrize(
    ("quantity", "expected"), [("predictions", Verdict.BY_DESIGN), ("optimizer state", Verdict.DIFFERENT)]
)
def test_only_predictions_of_a_file_may_be_declared_otherwise(quantity: str, expected: Verdict) -> None:
    found = distances(at(0.1, float64=0.1), quantity=quantity)
    comparison = Comparison(distances=(found,), declared=DECLARED, oracles=(0.0, 0.0))
    assert verdicts.judge(comparison)[0].verdict is Verdict.BY_DESIGN
    assert verdicts.judge_saved(comparison)[0].verdict is expected


def test_what_a_file_holds_instead_is_the_cause_where_no_oracle_says_so() -> None:
    found = distances(at(0.1, float64=0.1), quantity="optimizer state")
    comparison = Comparison(distances=(found,), oracles=(0.0, 0.0), off=((), (A,)))
    assert verdicts.judge_saved(comparison)[0].causes == (A,)
    assert codes(verdicts.judge_saved(replace(comparison, off=((), ())))[0]) == [Code.UNKNOWN]
    assert verdicts.judge_saved(replace(comparison, distances=(distances(at(0.0), bits=True),)))[0].causes == ()


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
