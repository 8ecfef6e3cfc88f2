"""Where a run that no single step shows to be off begins to differ."""

from __future__ import annotations

import pytest

from suite.explain.inquiry import Inquiry
from suite.records import At, Comparison, Distances


def only_predictions(*off: str) -> bool:
    """Asked of a run in which these quantities are off its oracle, and no other."""
    quantities = {"trainable weights": "train", "predictions": "pmax", "other state": "state", "loss": "loss"}
    inquiry = Inquiry.__new__(Inquiry)
    inquiry.found = Comparison(
        distances=tuple(
            Distances(
                quantity=name, bits=False, at=(At(step=20, plain={}, float64={metric: 1e-3 if name in off else 1e-15}),)
            )
            for name, metric in quantities.items()
        )
    )
    return inquiry._only_predictions


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
    assert only_predictions(*off) is expected
