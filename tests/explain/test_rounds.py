"""Where a run that no single step shows to be off begins to differ."""

from __future__ import annotations

import pytest

from suite.explain.rounds import combined, earliest_place, whole_place
from suite.records import At, Comparison, Deviation, Distances


def stage(*off: str) -> str:
    """Where a run begins to differ in which these quantities are off its oracle."""
    quantities = {"trainable weights": "train", "predictions": "pmax", "other state": "state", "loss": "loss"}
    return whole_place(
        [Distances(quantity=name, bits=False, at=(At(step=20, plain={}, float64={quantities[name]: 1e-3}),)) for name in off]
    ).stage


@pytest.mark.parametrize(
    ("off", "expected"),
    [
        (("predictions",), True),
        (("predictions", "other state"), True),  # random layers count what they draw
        (("other state",), False),
        (("predictions", "loss"), False),
        (("predictions", "trainable weights"), False),
    ],
)
def test_predictions_are_the_place_where_training_left_everything_right(off: tuple[str, ...], expected: bool) -> None:
    assert stage(*off) == ("prediction" if expected else "trajectory")


def test_deviations_are_applied_on_top_of_each_other_unless_they_contradict() -> None:
    first, second = Deviation(statistics="moving"), Deviation(reported_loss=0.5)
    assert combined(first, second) == Deviation(statistics="moving", reported_loss=0.5)
    assert combined(first, Deviation(statistics="moving", reported_loss=0.5)) is None
    assert combined(first, Deviation()) is None, "it adds nothing"


@pytest.mark.parametrize(
    ("weights", "other", "found"),
    [
        (5, 5, ("other state", "5")),  # weights follow from what nobody trains
        (5, 10, ("trainable weights", "5")),
        (10, 5, ("other state", "5")),
        (5, 0, ("trainable weights", "5")),
        (0, 0, None),
    ],
)
def test_whole_runs_come_apart_at_the_earliest_step_in_what_nobody_trains(
    weights: int, other: int, found: tuple[str, str] | None
) -> None:
    def of(quantity: str, metric: str, first: int) -> Distances:
        steps = [At(step=step, plain={}, float64={metric: 0.1 if 0 < first <= step else 1e-15}) for step in (1, 5, 10)]
        return Distances(quantity=quantity, bits=False, at=tuple(steps))

    comparison = Comparison(distances=(of("trainable weights", "train", weights), of("other state", "state", other)))
    place = earliest_place(comparison)
    assert (place and (place.tensor, place.state)) == found
    assert place is None or place.stage == "trajectory"
