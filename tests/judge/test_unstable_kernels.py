"""A kernel of one side is unstable: when it is found, on which side, and at which place."""

from __future__ import annotations

import pytest

from suite.judge import kernels
from suite.records import FLOAT32, STAGES, Cause, Code, Comparison, Link, StepErrors, Unstable, Verdict
from tests.judge.comparing import BY_DESIGN, at, codes, decide, distances, part, steps, verdict

WIDE = distances(at(0.1, envelope=0.2))  # an unstable kernel is far from itself
EQUAL, OFF = (1e-7, 1.2e-7), (0.1, 1e-7)


def unstable(*found: StepErrors, roundoff: float = FLOAT32) -> Unstable | None:
    return kernels.unstable(Comparison(distances=(), steps=found, roundoff=roundoff))


def test_an_unstable_kernel_is_found_though_its_envelope_is_wide() -> None:
    assert verdict(WIDE) is verdict(WIDE, steps=steps(*[EQUAL] * 5)) is Verdict.ROUNDING
    found = decide(WIDE, steps=steps(*[OFF] * 5), environments=("torch", "jax"))
    assert (found.verdict, codes(found), found.causes[0].subject) == (Verdict.DIFFERENT, [Code.UNSTABLE_KERNEL], "torch")
    numbers = {"measured": 5.0, "states": 5.0, "a": 0.1, "b": 1e-7}
    assert dict(found.causes[0].evidence) == numbers | {"batch statistics": 1.0}
    outputs = decide(WIDE, steps=steps(*[OFF] * 5, stage="forward"), environments=("torch", "jax"))
    assert dict(outputs.causes[0].evidence) == numbers


@pytest.mark.parametrize(
    ("stage", "off", "code"),
    [
        ("forward", 0.19, Code.UNSTABLE_KERNEL),
        ("forward", 0.2, Code.STEPS_APART),
        ("loss", 1.0, Code.STEPS_APART),
        ("batch statistics", 1.0, Code.UNSTABLE_KERNEL),
    ],
)
def test_outputs_that_are_wholly_different_were_not_rounded_and_still_differ(stage: str, off: float, code: Code) -> None:
    both = (off, 1e-7)
    for one in (WIDE, distances(at(0.1, envelope=1e-3))):
        found = decide(one, steps=steps(both, both, stage=stage), environments=("torch", "jax"))
        assert (found.verdict, codes(found)) == (Verdict.DIFFERENT, [code])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (steps(OFF, OFF), True),
        (steps(EQUAL, EQUAL, EQUAL, OFF, OFF), True),  # only after some training: a median over states would not see it
        (steps(EQUAL, EQUAL, EQUAL, EQUAL, OFF), False),  # one state may be an accident
        (steps(OFF), False),
        (steps((0.1, 0.011), (0.1, 0.011)), False),  # less than 10 times the other side: coarse rounding on both
        (steps((0.1, 0.009), (0.1, 0.009)), True),
        (steps((2.9e-5, 1e-8), (2.9e-5, 1e-8)), False),  # within 100 floors: chance
        (steps((3.1e-5, 1e-8), (3.1e-5, 1e-8)), True),
        (steps((float("inf"), 1e-7), (float("inf"), 1e-7)), False),  # of another shape, or NaN: not measured
        (steps(OFF, (1e-7, 0.1)), False),  # once each
        (steps((1e-3, 1e-6), (1e-3, 1e-6), (1e-3, 9e-4)), False),  # the other side is nearly right by chance
        ((), False),
    ],
)
def test_a_kernel_is_unstable_from_two_states_ten_times_the_other_side_and_a_hundred_floors(
    found: tuple[StepErrors, ...], expected: bool
) -> None:
    assert (unstable(*found) is not None) is expected


@pytest.mark.parametrize("stage", STAGES)
def test_only_the_forward_pass_says_something_of_kernels(stage: str) -> None:
    found = unstable(*steps(OFF, OFF, stage=stage)) is not None
    assert found is (stage in ("forward", "batch statistics", "loss"))


def test_a_coarse_dtype_has_no_unstable_kernel_within_its_own_rounding() -> None:
    assert unstable(*steps((1e-3, 1e-7), (1e-3, 1e-7))) is not None
    assert unstable(*steps((1e-3, 1e-7), (1e-3, 1e-7)), roundoff=2.0**-11) is None


def test_the_unstable_side_is_the_farther_one() -> None:
    first, second = unstable(*steps(OFF, OFF)), unstable(*steps(OFF[::-1], OFF[::-1]))
    assert first and second
    assert (first.side, second.side) == (0, 1)
    # Where both have one, from more states.
    one = steps(OFF, OFF, EQUAL, EQUAL, EQUAL)
    other = steps(EQUAL, EQUAL, OFF[::-1], OFF[::-1], OFF[::-1], stage="forward", tensor="hidden")
    both = unstable(*one, *other)
    assert both is not None
    assert (both.side, both.states, both.measured) == (1, 3, 5)


def test_the_place_of_an_unstable_kernel_is_the_first_tensor_of_the_first_state() -> None:
    first = steps(EQUAL, (2e-4, 1e-6), OFF, stage="forward", tensor="hidden")
    later = steps(EQUAL, (0.2, 1e-7), OFF)
    found = unstable(*sorted((*first, *later), key=lambda one: int(one.state)))
    assert found is not None
    place = found.place
    assert (place.stage, place.tensor, place.state, place.size) == ("forward", "hidden", "1", 2e-4)
    assert place.ratio == pytest.approx(2e-4 / (100 * 5e-7))
    assert (found.sizes, found.states, found.measured) == ((2e-4, 1e-6), 2, 3)


def test_a_normalization_that_is_off_is_so_by_its_statistics() -> None:
    outputs = steps((5e-2, 3e-5), (5e-2, 3e-5), stage="forward", tensor="norm")
    found = unstable(*sorted((*outputs, *steps(OFF, OFF)), key=lambda one: int(one.state)))
    assert found is not None
    assert (found.place.stage, found.place.tensor, found.sizes) == ("batch statistics", "norm/moving_variance", OFF)


@pytest.mark.parametrize(
    ("oracle", "error", "states", "code"),
    [
        (1.9e-10, 1e-4, 2, Code.UNSTABLE_KERNEL),
        (1e-7, 1e-4, 2, Code.UNKNOWN),  # more than what cancels in float64
        (1.9e-10, 1e-5, 2, None),  # within 100 floors, and too small to be a cause
        (1.9e-10, 1e-4, 1, None),
    ],
)
def test_what_an_unstable_kernel_does_in_float64_is_said_though_the_declarations_differ(
    oracle: float, error: float, states: int, code: Code | None
) -> None:
    """And though the other side's kernel is the same."""
    steps = tuple(
        StepErrors(state=str(state), stage="batch statistics", tensor="norm/variance", sides=(error, error))
        for state in range(states)
    )
    components = (
        part(Link.STRATEGY, oracle, Cause(code=Code.UNKNOWN, subject="torch")),
        part(Link.DECLARATION, 1e-2, BY_DESIGN),
        part(Link.STRATEGY, 1e-15),
    )
    found = decide(distances(at(1e-6, float64=1e-2)), components=components, steps=steps)
    expected = (Verdict.DIFFERENT, [code, Code.BY_DESIGN]) if code else (Verdict.BY_DESIGN, [Code.BY_DESIGN])
    assert (found.verdict, codes(found)) == expected
