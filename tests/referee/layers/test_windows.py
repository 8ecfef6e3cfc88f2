from __future__ import annotations

import numpy as np
import pytest

from suite.referee.definition import Undefined
from suite.referee.layers.windows import Window, channels_as_configured, channels_last, each, margins, places
from tests.referee.calls import normal


def window(size: int, stride: int = 1, dilation: int = 1, padding: str = "valid") -> Window:
    return Window(size=(size,), strides=(stride,), dilation=(dilation,), padding=padding)


@pytest.mark.parametrize(
    ("length", "over", "expected"),
    [
        (5, window(3), (0, 0)),
        (5, window(3, padding="same"), (1, 1)),
        (5, window(2, padding="same"), (0, 1)),  # an odd element goes to the end
        (6, window(3, 2, padding="same"), (0, 1)),
        (7, window(3, 2, padding="same"), (1, 1)),
        (5, window(3, dilation=2, padding="same"), (2, 2)),
        (5, window(1, 3, padding="same"), (0, 0)),  # nothing is ever cut off
        (5, window(3, dilation=2, padding="causal"), (4, 0)),
    ],
)
def test_an_axis_is_padded_by_as_little_as_it_takes(length: int, over: Window, expected: tuple[int, int]) -> None:
    assert margins([length], over) == [expected]


def test_places_are_what_lies_under_the_window() -> None:
    x = np.arange(5.0).reshape(1, 5, 1)
    under = {place: values[0, :, 0].tolist() for place, values in places(x, window(3, 2, padding="same"), fill=-1.0)}
    assert under == {(0,): [-1.0, 1.0, 3.0], (1,): [0.0, 2.0, 4.0], (2,): [1.0, 3.0, -1.0]}


def test_dilated_places_lie_apart() -> None:
    x = np.arange(5.0).reshape(1, 5, 1)
    assert {place[0]: values[0, :, 0].tolist() for place, values in places(x, window(2, dilation=3))} == {
        0: [0.0, 1.0],
        1: [3.0, 4.0],
    }


def test_a_window_that_does_not_fit_is_undefined() -> None:
    with pytest.raises(Undefined, match=r"a window of \(3,\) elements is larger than the input of \(2,\)"):
        list(places(np.zeros((1, 2, 1)), window(3)))


def test_an_unknown_padding_is_undefined() -> None:
    with pytest.raises(Undefined, match='its padding is "full"'):
        margins([3], window(3, padding="full"))


def test_one_integer_holds_for_every_axis() -> None:
    assert each(2, 3) == (2, 2, 2) and each([1, 2], 2) == (1, 2)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_data_format_is_restored(data_format: str) -> None:
    x, config = normal(2, 3, 4, 5), {"data_format": data_format}
    moved = channels_last(x, config)
    assert moved.shape == ((2, 4, 5, 3) if data_format == "channels_first" else (2, 3, 4, 5))
    assert np.array_equal(channels_as_configured(moved, config), x)
