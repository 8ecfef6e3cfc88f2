"""What float64 runs decide, what rounding that has grown hides of them, and what decides where there are none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.compare.metrics import METRICS
from suite.judge import equivalence, verdicts
from suite.records import At, Code, Comparison, Judged, Link, Place, Verdict, because
from tests.judge.comparing import BACKEND, DESIGN, FINE, A, at, codes, decide, distances, part, verdict


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


@pytest.mark.parametrize(
    ("evaluated", "weights", "expected"),
    [(0.15, 1e-7, Verdict.DIFFERENT), (0.04, 1e-7, Verdict.ROUNDING), (0.15, 1e-4, Verdict.ROUNDING)],
)
def test_without_float64_a_metric_that_is_far_apart_is_no_rounding(
    evaluated: float, weights: float, expected: Verdict
) -> None:
    """No rerun is evaluated: there is no envelope. That of the weights is wide."""
    trained = at(weights, float64=None, envelope=1.0)
    said = At(step=20, plain={"evaluation": evaluated})
    both = distances(trained), distances(said, quantity="evaluation")
    found = Comparison(distances=both, no_float64="no float64 run", stepped=5)
    assert [one.verdict for one in verdicts.judge(found)] == [Verdict.ROUNDING, expected]
    told = replace(found, components=(part(Link.FILE, 1.0, A),))
    if expected is Verdict.DIFFERENT:
        assert [codes(one) for one in verdicts.judge(told)][1] == ["a"], "what is known of the file stays known"


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
