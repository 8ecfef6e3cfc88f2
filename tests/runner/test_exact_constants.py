"""Constants that float32 does not round, in place of decimal ones: near them, everywhere, and nothing else changed."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite.runner.exact_constants import derived, dyadic, dyadic_value, make_double, make_dyadic

CONSTANTS = (0.001, 0.1, 0.2, 0.9, 0.95, 0.99, 0.999, 1 / 255, 1e-7, 0.3, 5 / 7, 1.1, 103.94, -0.7)


@pytest.mark.parametrize("value", CONSTANTS)
def test_a_dyadic_constant_is_near_and_exact_in_float32(value: float) -> None:
    found = dyadic(value)
    assert 0.5 <= found / value <= 2.0 and (0.5 <= (1 - found) / (1 - value) <= 2.0 or not 0.5 < value < 1.0)
    assert float(np.float32(found)) == found and float(np.float32(1.0) - np.float32(found)) == 1.0 - found


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, 6.0, 0.5, 0.75, 3.0, 0.1875, -2.0, 255.0, math.inf, -math.inf])
def test_a_constant_of_few_bits_stays(value: float) -> None:
    assert dyadic(value) == value and math.copysign(1, dyadic(value)) == math.copysign(1, value)


@pytest.mark.parametrize("value", [3.4445, -4.775, 2.0315, 103.94, 1.1, 1.999])
def test_a_coefficient_stays_within_a_part_in_256(value: float) -> None:
    """Those of Muon's iteration: with 4, -4 and 2 in place of 3.4445, -4.775 and 2.0315 it diverges."""
    found = dyadic(value)
    assert abs(found / value - 1) <= 2.0**-8
    assert float(np.float32(found) * np.float32(found)) == found * found, "its square is exact in float32, too"


def test_a_constant_is_settled_once() -> None:
    assert math.isnan(dyadic(math.nan))
    assert all(dyadic(dyadic(value)) == dyadic(value) for value in CONSTANTS)


def test_floats_are_found_in_structures_and_nothing_else_is_touched() -> None:
    array, nothing = np.array([0.1]), object()
    found = dyadic_value({"a": [0.1, (0.3, "x")], "b": array, "c": nothing, "d": 3, "e": True})
    assert found["a"] == [0.125, (0.25, "x")] and (found["b"], found["c"]) == (array, nothing)
    same: Any = [[array, 1], {"a": 0.5}]
    assert dyadic_value(same) is same


class Refusing:
    """Something that can be neither compared nor told true or false, as a symbolic tensor."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError("it is compared")

    def __bool__(self) -> bool:
        raise AssertionError("it is asked")


def test_attributes_are_made_dyadic_in_place() -> None:
    tensor = Refusing()
    layer = SimpleNamespace(
        rate=0.3, limits={"rmax": 1.1}, scale=[0.1, 2.0], name="x", units=3, tensor=tensor, held=[tensor]
    )
    make_dyadic(layer)
    assert (layer.rate, layer.limits, layer.scale) == (0.25, {"rmax": 1.1015625}, [0.125, 2.0])
    assert (layer.name, layer.units) == ("x", 3)
    assert layer.tensor is tensor and layer.held[0] is tensor


class Attention:
    """A layer with settings, public and private, and with what follows from them."""

    def __init__(self) -> None:
        self.rate, self._dropout, self._scale, self.name = 0.3, 0.1, 1 / math.sqrt(2), "attention"

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "dropout": self._dropout, "name": self.name}


def test_what_follows_from_the_settings_of_a_layer_is_no_setting() -> None:
    assert derived(Attention()) == ["_scale"]


def test_a_layer_that_cannot_say_its_settings_has_private_attributes_that_follow_from_them() -> None:
    class Own(Attention):
        def get_config(self) -> dict[str, Any]:
            raise NotImplementedError

    assert derived(Own()) == ["_dropout", "_scale"]


def test_what_is_left_out_keeps_its_value_in_double_precision() -> None:
    layer = Attention()
    make_dyadic(layer, without=("_scale",))
    make_double(layer, ["_scale"])
    assert (layer.rate, layer._dropout) == (0.25, 0.125)
    assert layer._scale == 1 / math.sqrt(2) and isinstance(layer._scale, np.float64)
