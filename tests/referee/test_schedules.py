"""Learning-rate schedules: values that can be worked out by hand, and where each part begins."""

from __future__ import annotations

from typing import Any

import pytest

from suite.referee.definition import Undefined
from suite.referee.schedules import SCHEDULES, learning_rate


def rates(name: str, steps: list[int], **config: Any) -> list[float]:
    return [learning_rate({"class_name": name, "config": config}, step) for step in steps]


def test_a_constant_is_itself() -> None:
    assert learning_rate(0.25, 7) == 0.25


def test_an_unknown_schedule_is_named() -> None:
    with pytest.raises(Undefined, match="no definition of the schedule Mine; defined are ExponentialDecay"):
        learning_rate({"class_name": "Mine", "config": {}}, 0)


@pytest.mark.parametrize(
    ("name", "config", "expected"),
    [
        ("ExponentialDecay", {"decay_rate": 0.25}, [1, 0.5, 0.25, 0.125]),
        ("ExponentialDecay", {"decay_rate": 0.25, "staircase": True}, [1, 1, 0.25, 0.25]),
        ("InverseTimeDecay", {"decay_rate": 2}, [1, 1 / 2, 1 / 3, 1 / 4]),
        ("InverseTimeDecay", {"decay_rate": 2, "staircase": True}, [1, 1, 1 / 3, 1 / 3]),
    ],
)
def test_decays_by_the_fraction_of_decay_steps(name: str, config: dict[str, Any], expected: list[float]) -> None:
    assert rates(name, [0, 1, 2, 3], initial_learning_rate=1, decay_steps=2, **config) == pytest.approx(expected)


def test_a_boundary_still_has_the_value_before_it() -> None:
    assert rates("PiecewiseConstantDecay", [0, 2, 3, 5, 6, 90], boundaries=[2, 5], values=[1.0, 0.5, 0.1]) == [
        1.0, 1.0, 0.5, 0.5, 0.1, 0.1,
    ]  # fmt: skip


def test_polynomial_decay_stops_or_begins_again_lower() -> None:
    config = {"initial_learning_rate": 5.0, "decay_steps": 4, "end_learning_rate": 1.0, "power": 2.0}
    assert rates("PolynomialDecay", [0, 2, 4, 6], **config) == [5, 2, 1, 1]
    # At step 6 the cycle has 8 steps, of which a quarter is left; at step 4 it still has 4.
    assert rates("PolynomialDecay", [0, 2, 4, 6, 8], **config, cycle=True) == [5, 2, 1, 1.25, 1]


def test_cosine_decay_after_a_warmup() -> None:
    config = {"initial_learning_rate": 1.0, "decay_steps": 4, "alpha": 0.5}
    assert rates("CosineDecay", [0, 2, 4, 9], **config) == pytest.approx([1, 0.75, 0.5, 0.5])
    warm = {**config, "warmup_target": 3.0, "warmup_steps": 2}
    assert rates("CosineDecay", [0, 1, 2, 4, 6, 9], **warm) == pytest.approx([1, 2, 3, 2.25, 1.5, 1.5])


def test_restarts_fall_on_their_steps_exactly() -> None:
    """Periods of 2, 6, 18, 54, 162 steps: a logarithm to the base 3 would put the restart at 242 one step later."""
    config = {"initial_learning_rate": 1.0, "first_decay_steps": 2, "t_mul": 3.0, "m_mul": 0.5, "alpha": 0.0}
    starts = [0, 2, 8, 26, 80, 242]
    assert rates("CosineDecayRestarts", starts, **config) == [1, 0.5, 0.25, 0.125, 0.0625, 0.03125]
    assert all(rate < 0.01 for rate in rates("CosineDecayRestarts", [79, 241], **config))
    assert rates("CosineDecayRestarts", [1, 5], **config) == pytest.approx([0.5, 0.25])


def test_restarts_of_equal_length_keep_a_floor() -> None:
    config = {"initial_learning_rate": 2.0, "first_decay_steps": 2, "t_mul": 1.0, "alpha": 0.25}
    assert rates("CosineDecayRestarts", [0, 1, 2, 3], **config) == pytest.approx([2, 1.25, 2, 1.25])


def test_periods_that_shrink_are_undefined() -> None:
    with pytest.raises(Undefined, match=r"t_mul=0\.5"):
        rates("CosineDecayRestarts", [1], initial_learning_rate=1.0, first_decay_steps=2, t_mul=0.5)


def test_every_schedule_of_keras_is_defined_with_its_source() -> None:
    assert set(SCHEDULES) == {
        "ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay", "PolynomialDecay", "CosineDecay",
        "CosineDecayRestarts",
    }  # fmt: skip
    assert all("Source: " in (definition.__doc__ or "") for definition in SCHEDULES.values())
