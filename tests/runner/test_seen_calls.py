"""What a recorded call got: None is left out where it says nothing."""

from __future__ import annotations

import pytest

from suite.runner import seen_calls


def spectrum(x: object, size: int, window: str | None = "hann", length: int | None = None) -> None: ...


class Layer:
    def __call__(self, x: object, window: str | None = "hann") -> None: ...


@pytest.mark.parametrize(("name", "meant"), [("window", True), ("size", True), ("length", False), ("other", False)])
def test_none_is_meant_where_a_function_takes_something_else_by_itself(name: str, meant: bool) -> None:
    assert seen_calls._is_meant(spectrum, name) == meant


def test_none_that_a_layer_gets_is_left_out() -> None:
    assert not seen_calls._is_meant(Layer(), "window")
