"""The masks that layers give to their outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from suite.referee.definition import Array, Call
from suite.referee.layers import LAYERS
from suite.referee.layers.output_masks import OUTPUT_MASKS, output_mask

STEPS = np.ones((2, 3, 1))
FIRST, SECOND = np.array([[True, False, False]] * 2), np.array([[True, True, False]] * 2)


def mask(layer: str, config: dict[str, Any], *masks: Array | None, x: Array = STEPS) -> Array | None:
    return output_mask(Call(layer=layer, config=config, inputs=(x,) * len(masks), masks=masks))


@pytest.mark.parametrize("layer", ["Dense", "Dropout", "MultiHeadAttention", "TimeDistributed"])
def test_a_layer_that_passes_its_mask_on(layer: str) -> None:
    assert mask(layer, {}, FIRST) is FIRST
    assert mask(layer, {}, None) is None


@pytest.mark.parametrize("layer", ["Flatten", "Conv1D", "GlobalAveragePooling1D", "Reshape"])
def test_a_layer_that_drops_its_mask(layer: str) -> None:
    assert mask(layer, {}, FIRST) is None


def test_a_recurrent_layer_passes_its_mask_on_with_its_sequence() -> None:
    assert mask("LSTM", {"return_sequences": True}, FIRST) is FIRST
    assert mask("LSTM", {"return_sequences": False}, FIRST) is None
    inner = {"config": {"return_sequences": True}}
    assert mask("Bidirectional", {"layer": inner}, FIRST) is FIRST
    inner = {"config": {"return_sequences": False}}
    assert mask("Bidirectional", {"layer": inner}, FIRST) is None


def test_masks_that_layers_make() -> None:
    np.testing.assert_array_equal(mask("Embedding", {"mask_zero": True}, None, x=np.array([[3, 0]])), [[True, False]])
    assert mask("Embedding", {"mask_zero": False}, None, x=np.array([[3, 0]])) is None
    steps = np.array([[[7.0, 7.0], [7.0, 1.0]]])
    value = {"class_name": "__numpy__", "config": {"value": 7.0}}
    for given in (7.0, value):
        np.testing.assert_array_equal(mask("Masking", {"mask_value": given}, None, x=steps), [[False, True]])


def test_a_merging_layer_keeps_what_any_input_keeps_if_all_have_a_mask() -> None:
    np.testing.assert_array_equal(mask("Add", {}, FIRST, SECOND), SECOND)
    assert mask("Add", {}, FIRST, None) is None


def test_joined_steps_have_joined_masks() -> None:
    joined = mask("Concatenate", {"axis": 1}, FIRST, None)
    np.testing.assert_array_equal(joined, np.concatenate([FIRST, np.ones((2, 3))], axis=1) > 0)
    np.testing.assert_array_equal(mask("Concatenate", {"axis": -1}, FIRST, SECOND), SECOND)
    assert mask("Concatenate", {"axis": 1}, None, None) is None


def test_every_layer_with_a_rule_for_its_mask_has_a_definition() -> None:
    assert OUTPUT_MASKS.keys() <= LAYERS.keys()
