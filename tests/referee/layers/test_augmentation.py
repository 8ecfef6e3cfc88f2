"""Layers that change images at random."""

from __future__ import annotations

import numpy as np
import pytest

from suite.referee.definition import Call, Undefined
from suite.referee.layers import call
from suite.referee.layers.augmentation import NAMES


@pytest.mark.parametrize("layer", NAMES)
def test_images_pass_in_inference_and_are_undefined_in_training(layer: str) -> None:
    images = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    (answer,) = call(Call(layer=layer, config={}, inputs=(images,))).outputs
    np.testing.assert_array_equal(answer, images)
    assert answer.dtype == np.float64
    with pytest.raises(Undefined, match="draws random numbers"):
        call(Call(layer=layer, config={}, inputs=(images,), training=True))


def test_random_crop_resizes_the_middle_in_inference() -> None:
    images = np.arange(32.0).reshape(1, 4, 8, 1)
    config = {"name": "crop", "height": 2, "width": 2, "data_format": "channels_last"}
    (answer,) = call(Call(layer="RandomCrop", config=config, inputs=(images,))).outputs
    middle = images[:, :, 2:6]
    expected = (middle[:, ::2, ::2] + middle[:, 1::2, ::2] + middle[:, ::2, 1::2] + middle[:, 1::2, 1::2]) / 4.0
    np.testing.assert_allclose(answer, expected)
    with pytest.raises(Undefined, match="draws random numbers"):
        call(Call(layer="RandomCrop", config=config, inputs=(images,), training=True))
