"""Where rounding ends in float32 runs, on both sides of each limit; and a pair has the worst verdict of its quantities."""

from __future__ import annotations

import pytest

from suite.judge import equivalence, limits, verdicts
from suite.records import At, Cause, Code, Comparison, Distances, Verdict, because
from tests.judge.comparing import FLOOR, at, codes, decide, distances, steps, verdict


def test_equal_bits_are_identical_and_nothing_else_is() -> None:
    assert verdict(distances(at(0.0), bits=True)) is Verdict.IDENTICAL
    assert verdict(distances(at(0.0))) is Verdict.ROUNDING


def test_invalid_comes_before_equal_bits() -> None:
    found = decide(distances(at(0.0), bits=True, invalid="x holds NaN or infinity"))
    assert (found.verdict, found.causes) == (Verdict.INVALID, (because(Code.INVALID, "x holds NaN or infinity"),))


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


def test_noise_is_what_repeats_differ_by() -> None:
    assert verdict(distances(at(3e-3)), repeats={"train": 1e-3}) is Verdict.NOISE
    assert verdict(distances(at(3.1e-3)), repeats={"train": 1e-3}) is Verdict.INCONCLUSIVE


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


@pytest.mark.parametrize(
    ("weights", "loss", "sides", "expected"),
    [
        (6e-5, 3e-4, ALIKE, Verdict.INCONCLUSIVE),  # farther than the weights that it comes from
        (4e-5, 3e-5, ALIKE, Verdict.ROUNDING),
        (4e-5, 3e-5, (), Verdict.INCONCLUSIVE),  # no single steps
        (4e-5, 3e-5, (*ALIKE, (2e-6, 1e-3)), Verdict.INCONCLUSIVE),  # a single step is far
        (2e-4, 3e-5, ALIKE, Verdict.INCONCLUSIVE),  # the weights are not within rounding themselves
    ],
)
def test_what_is_computed_from_weights_is_as_far_apart_as_they_are(
    weights: float, loss: float, sides: tuple[tuple[float, float], ...], expected: Verdict
) -> None:
    """Weights: 5 envelopes of 1e-5; the loss: far more than 10 envelopes of 1e-7."""
    apart = distances(at(weights))
    computed = Distances(
        quantity="loss", bits=False, at=(At(step=20, plain={"loss": loss}, envelope={"loss": 1e-7}, float64={"loss": 0.0}),)
    )
    comparison = Comparison(distances=(apart, computed), steps=steps(*sides))
    found = {one.quantity: one.verdict for one in verdicts.judge(comparison)}
    assert found["loss"] is expected


def test_the_worst_quantity_is_the_pair_and_nothing_is_invalid() -> None:
    rounding = decide(distances(at(1e-6)))
    different = decide(distances(at(1e-6, float64=1e-2)))
    assert verdicts.worst((rounding, different, rounding)) == (Verdict.DIFFERENT, (Cause(code=Code.UNKNOWN),))
    assert verdicts.worst(()) == (Verdict.INVALID, (Cause(code=Code.NOTHING_COMPARED),))


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
