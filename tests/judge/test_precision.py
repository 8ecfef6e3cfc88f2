"""Products that round their operands: when they are the cause, and of what verdict."""

from __future__ import annotations

import pytest

from suite.judge.limits import EXPLAINED
from suite.records import Code, Place, Products, Verdict
from tests.judge.comparing import at, codes, decide, distances, steps, verdict

PLACE = Place(stage="forward", tensor="conv", state="0", size=2e-4, ratio=4.0)
OUTSIDE = distances(at(1e-3))
INSIDE = distances(at(1e-5))
TENFOLD = (1e-3, 1e-7)


def products(environment: str, form: str = "tf32", *, declared: bool = True) -> Products:
    return Products(format=form, place=PLACE, apart=2e-4, left=1e-7, environment=environment, calls=3, declared=declared)


FIRST, SECOND = products("torch"), products("jax")


@pytest.mark.parametrize(
    ("sides", "subjects"), [((FIRST, None), ["torch"]), ((None, SECOND), ["jax"]), ((FIRST, SECOND), ["torch", "jax"])]
)
def test_what_is_outside_of_its_envelope_is_named(
    sides: tuple[Products | None, Products | None], subjects: list[str]
) -> None:
    found = decide(OUTSIDE, products=sides)
    assert found.verdict is Verdict.BY_DESIGN
    assert codes(found) == [Code.TF32_PRODUCTS] * len(subjects)
    assert [cause.subject for cause in found.causes] == subjects
    assert dict(found.causes[0].evidence) == {"apart": 2e-4, "left": 1e-7, "calls": 3.0}


def test_without_products_it_has_no_name() -> None:
    assert codes(decide(OUTSIDE)) == [Code.BEYOND_ENVELOPE]


def test_what_is_within_its_envelope_is_rounding() -> None:
    assert verdict(INSIDE, products=(FIRST, SECOND)) is Verdict.ROUNDING


def test_the_side_whose_steps_are_off_is_named_alone_and_only_if_its_products_explain_it() -> None:
    found = decide(INSIDE, products=(FIRST, SECOND), steps=steps(TENFOLD, TENFOLD), environments=("torch", "jax"))
    assert [(cause.code, cause.subject) for cause in found.causes] == [(Code.TF32_PRODUCTS, "torch")]
    other = decide(OUTSIDE, products=(None, SECOND), steps=steps(TENFOLD, TENFOLD), environments=("torch", "jax"))
    assert (other.verdict, codes(other)) == (Verdict.DIFFERENT, [Code.UNSTABLE_KERNEL])


def test_what_no_environment_declares_needs_a_decision() -> None:
    for sides in ((products("torch", declared=False), None), (products("torch", declared=False), SECOND)):
        assert decide(OUTSIDE, products=sides).verdict is Verdict.DIFFERENT
    assert codes(decide(OUTSIDE, products=(products("torch", "bfloat16"), None))) == [Code.BFLOAT16_PRODUCTS]


def test_it_is_no_noise_where_the_sides_round_differently() -> None:
    repeats = {"train": 1e-5}
    assert verdict(INSIDE, repeats=repeats) is Verdict.NOISE
    for sides in ((FIRST, None), (products("torch", "bfloat16"), SECOND)):
        assert verdict(INSIDE, repeats=repeats, products=sides) is Verdict.BY_DESIGN
    assert verdict(INSIDE, repeats=repeats, products=(FIRST, SECOND)) is Verdict.NOISE


def test_nothing_is_excused_where_the_float64_runs_differ_or_random_numbers_do() -> None:
    assert codes(decide(distances(at(1e-3, float64=1e-3)), products=(FIRST, None))) == [Code.UNKNOWN]
    assert codes(decide(OUTSIDE, products=(FIRST, None), random_streams="backends")) == [Code.RANDOM_STREAMS]


def test_without_float64_runs_they_explain_steps_that_are_apart() -> None:
    missing = {"no_float64": "no float64 run", "stepped": 5, "apart_in_steps": (PLACE, PLACE)}
    assert codes(decide(OUTSIDE, **missing)) == [Code.STEPS_APART]
    assert codes(decide(OUTSIDE, **missing, products=(FIRST, None))) == [Code.TF32_PRODUCTS]


def test_the_side_that_does_not_repeat_itself_is_named_with_what_cures_it() -> None:
    repeats = {"train": 1e-5}
    found = decide(
        INSIDE,
        repeats=repeats,
        environments=("torch", "jax"),
        unrepeated=(0.0, 1e-5),
        steady=("torch@deterministic", "jax@deterministic"),
    )
    (cause,) = found.causes
    assert (cause.code, cause.subject) == (Code.REPEATS_DIFFER, "jax")
    assert (cause.detail, dict(cause.evidence)) == ((("steady", "jax@deterministic"),), {"a": 0.0, "b": 1e-5})
    both = decide(INSIDE, repeats=repeats, environments=("torch", "jax"), unrepeated=(1e-6, 1e-5))
    assert (both.causes[0].subject, both.causes[0].detail) == ("", ())


def test_two_runs_in_one_environment_are_not_told_apart_by_its_products() -> None:
    both = {"products": (FIRST, FIRST), "environments": ("torch", "torch")}
    assert codes(decide(OUTSIDE, **both)) == [Code.BEYOND_ENVELOPE]
    assert codes(decide(OUTSIDE, **both, steps=steps(TENFOLD, TENFOLD))) == [Code.UNSTABLE_KERNEL]


def test_the_limit_is_a_decade() -> None:
    assert EXPLAINED == 10
