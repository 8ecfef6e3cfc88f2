"""Layers that act in training only."""

from __future__ import annotations

import numpy as np
import pytest

from suite.referee.definition import Call, Undefined
from suite.referee.layers import call
from suite.referee.layers.regularization import LAYERS

X = np.random.default_rng(2).normal(size=(2, 3, 4))
DRAWS = sorted(LAYERS.keys() - {"ActivityRegularization"})


def asked(layer: str, strength: float, training: bool) -> Call:
    config = {"stddev" if layer == "GaussianNoise" else "rate": strength}
    return Call(layer=layer, config=config, inputs=(X,), training=training)


@pytest.mark.parametrize("layer", DRAWS)
@pytest.mark.parametrize(("strength", "training"), [(0.5, False), (0.0, True)])
def test_a_layer_that_draws_nothing_is_the_identity(layer: str, strength: float, training: bool) -> None:
    (answer,) = call(asked(layer, strength, training)).outputs
    np.testing.assert_array_equal(answer, X)


@pytest.mark.parametrize("layer", DRAWS)
def test_a_layer_that_draws_random_numbers_is_undefined(layer: str) -> None:
    with pytest.raises(Undefined, match="draws random numbers"):
        call(asked(layer, 0.5, training=True))


def test_activity_regularization_leaves_its_input_alone() -> None:
    (answer,) = call(Call(layer="ActivityRegularization", config={"l1": 1.0, "l2": 1.0}, inputs=(X,), training=True)).outputs
    np.testing.assert_array_equal(answer, X)
