"""Layers that stand at a corner, where a run and what it declares take different slopes."""

from __future__ import annotations

import pytest

from suite.explain import corners
from suite.explain.definitions import Held
from suite.explain.derivatives import Corner
from suite.records import OPERATION, Cause, Code, Place

CAUSE = Cause(code=Code.CORNER, detail=(("layer", "dense (Dense)"), ("odd", "jax")))


def corner(state: str = "2", tensor: str = "weight/bias", name: str = "dense") -> Corner:
    return Corner(kind="layer", name=name, of="Dense", state=state, tensor=tensor, along=0.1, width=0.5)


def place(stage: str = "gradient", tensor: str = "dense/bias", state: str = "2") -> Place:
    return Place(stage=stage, tensor=tensor, state=state, size=0.3, ratio=3e9)


def held(*found: Corner) -> Held:
    return Held(environment="jax", corners=found)


def test_a_run_that_parts_only_where_its_layer_stands_at_a_corner_takes_another_slope() -> None:
    assert corners.of_run(held(corner()), place(), ["2"]) == (CAUSE,)
    assert corners.of_run(held(corner(), corner("5")), place(), ["2", "5"]) == (CAUSE,)
    assert corners.of_run(held(corner(name="dense#2")), place(), ["2"]) != ()


@pytest.mark.parametrize(
    ("found", "where", "departing"),
    [
        ([], place(), ["2"]),
        ([corner()], None, ["2"]),
        ([corner()], place(), ["0", "2"]),  # it parts where no corner is, too
        ([corner()], place(), []),  # its steps were not measured
        ([corner("5")], place(), ["2"]),
        ([corner()], place("update"), ["2"]),
        ([corner()], place(tensor="other/bias"), ["2"]),
        ([corner(tensor="input/0")], place(), ["2"]),
    ],
)
def test_nothing_else_is_put_down_to_a_corner(found: list[Corner], where: Place | None, departing: list[str]) -> None:
    assert corners.of_run(held(*found), where, departing) == ()


@pytest.mark.parametrize(
    ("name", "tensor", "explains"),
    [
        ("gate/abs", "gate", True),
        ("gate/abs", "gate/scale", True),
        ("gate/abs", "before", False),
        ("loss/abs", "before/kernel", True),
        ("maximum", "before/kernel", True),
    ],
)
def test_the_corner_of_an_operation_shows_in_the_layer_that_calls_it(name: str, tensor: str, explains: bool) -> None:
    """That of one which the model itself or its loss calls, in all that comes before."""
    one = Corner(kind=OPERATION, name=name, of="abs", state="0", tensor="input/0", along=0.1, width=0.5)
    assert one.explains(Place(stage="gradient", tensor=tensor, state="0", size=1.0, ratio=1.0)) is explains
