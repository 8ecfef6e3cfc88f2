"""Rounded operands: bit patterns, and what recorded calls of layers show."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from suite.explain import products
from suite.explain.products import WAYS, rounded
from suite.referee import layers
from suite.referee.definition import Call

EVEN, AWAY, CUT = WAYS
ULP = 2.0**-10  # of TF32, from 1 on


@pytest.mark.parametrize(
    ("value", "even", "away", "cut"),
    [
        (1.0, 1.0, 1.0, 1.0),
        (1 + 0.25 * ULP, 1.0, 1.0, 1.0),
        (1 + 0.5 * ULP, 1.0, 1 + ULP, 1.0),  # a tie
        (1 + 1.5 * ULP, 1 + 2 * ULP, 1 + 2 * ULP, 1 + ULP),
        (1 + 0.75 * ULP, 1 + ULP, 1 + ULP, 1.0),
        (-(1 + 0.5 * ULP), -1.0, -(1 + ULP), -1.0),
        (2 - 0.25 * ULP, 2.0, 2.0, 2 - ULP),  # into the next power of two
        (0.0, 0.0, 0.0, 0.0),
    ],
)
def test_ten_bits_of_the_fraction_stay(value: float, even: float, away: float, cut: float) -> None:
    given = np.array([[value]])
    for way, expected in ((EVEN, even), (AWAY, away), (CUT, cut)):
        made = rounded(given, 10, way)
        assert made.shape == (1, 1)
        assert made.dtype == np.float64
        assert made[0, 0] == expected


def test_seven_bits_are_bfloat16_and_what_is_not_finite_stays() -> None:
    assert rounded(np.array([1 + 2.0**-7, 1 + 2.0**-9]), 7).tolist() == [1 + 2.0**-7, 1.0]
    assert np.isnan(rounded(np.array([np.nan]), 7)).all()
    assert rounded(np.array([-np.inf]), 7).tolist() == [-np.inf]


RANDOM = np.random.default_rng(0)
DENSE = Call(
    layer="Dense",
    config={"units": 16, "activation": "relu", "use_bias": True},
    inputs=(RANDOM.normal(size=(32, 64)).astype(np.float32).astype(np.float64),),
    weights={
        "kernel": RANDOM.normal(size=(64, 16)).astype(np.float32).astype(np.float64),
        "bias": RANDOM.normal(size=16).astype(np.float32).astype(np.float64),
    },
)


def computed(asked: Call, bits: int, way: str) -> tuple[np.ndarray]:
    """The layer in float32, from operands with so many bits."""
    x, kernel = rounded(asked.inputs[0], bits, way), rounded(asked.weights["kernel"], bits, way)
    product = x.astype(np.float32) @ kernel.astype(np.float32) + asked.weights["bias"].astype(np.float32)
    return (np.maximum(product, 0),)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("form", "bits"), products.BITS.items())
def test_the_format_of_a_layers_operands_is_known_from_what_it_returns(form: str, bits: int, way: str) -> None:
    found = products._call(DENSE, computed(DENSE, bits, way), "hidden", "0")
    assert found is not None
    assert (found.format, found.place.tensor, found.place.stage) == (form, "hidden", "forward")
    assert found.left < 1e-6 < 1e-4 < found.apart


def test_a_layer_with_exact_operands_is_not_far() -> None:
    assert products._call(DENSE, (_exact(DENSE),), "hidden", "0") is None


def _exact(asked: Call) -> np.ndarray:
    product = asked.inputs[0].astype(np.float32) @ asked.weights["kernel"].astype(np.float32)
    return np.maximum(product + asked.weights["bias"].astype(np.float32), 0)


def test_a_layer_that_is_far_for_a_different_reason_has_no_format() -> None:
    found = products._call(DENSE, (_exact(DENSE) * np.float32(1.001),), "hidden", "0")
    assert found is not None
    assert found.format == ""
    norm = replace(DENSE, layer="Activation", config=json.loads('{"activation": "relu"}'), weights={})
    wrong = products._call(norm, (np.maximum(norm.inputs[0], 0) * 1.001,), "relu", "0")
    assert wrong is not None
    assert wrong.format == ""


def test_a_layer_of_several_products_decides_nothing_up_to_what_rounding_reaches() -> None:
    config = {"score_mode": "dot", "use_scale": False, "dropout": 0.0}
    attention = replace(DENSE, layer="Attention", config=config, inputs=(DENSE.inputs[0][None],) * 2, weights={})
    (exact,) = layers.call(attention).outputs
    assert products._call(attention, (exact * 1.001,), "attention", "0") is None
    far = products._call(attention, (exact * 1.1,), "attention", "0")
    assert far is not None
    assert far.format == ""
