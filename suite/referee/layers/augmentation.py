"""Definitions of the layers that change images at random in training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suite.referee.definition import Answer, Call, Definition, Undefined

NAMES = (
    "AugMix", "CutMix", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter",
    "RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale",
    "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation",
    "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom",
)  # fmt: skip


def augmentation(asked: Call) -> Answer:
    """The images, unchanged and as floats, in inference. Source: Keras, pages of these layers.

    Raises:
        Undefined: in training it draws random numbers.
    """
    if asked.training:
        raise Undefined("draws random numbers")
    return Answer(outputs=tuple(np.asarray(images, np.float64) for images in asked.inputs))


LAYERS: Mapping[str, Definition] = dict.fromkeys(NAMES, augmentation)
