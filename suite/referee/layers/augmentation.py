"""Definitions of the layers that change images at random in training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suite.referee.definition import Answer, Call, Definition, Undefined
from suite.referee.layers.preprocessing import cropped_and_resized

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


def random_crop(asked: Call) -> Answer:
    """In inference, the largest part in the middle with the aspect ratio of height x width, resized to that size.

    Source: Keras, RandomCrop layer. To 3.15 at least, Keras returns the images as they are: keras#21868.

    Raises:
        Undefined: in training it draws random numbers.
    """
    return cropped_and_resized(asked, augmentation(asked).outputs[0])


LAYERS: Mapping[str, Definition] = {**dict.fromkeys(NAMES, augmentation), "RandomCrop": random_crop}
