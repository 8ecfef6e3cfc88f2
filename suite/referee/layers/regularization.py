"""Definitions of the layers that act in training only, and of those that only add a penalty."""

from __future__ import annotations

from collections.abc import Mapping

from suite.referee.definition import Answer, Call, Definition, Undefined


def dropout(asked: Call) -> Answer:
    """The input, unchanged, in inference or with a rate of 0.

    Source: Srivastava et al. 2014 (Dropout), Tompson et al. 2014 (SpatialDropout), Klambauer et al. 2017 (AlphaDropout);
    Keras, pages of these layers; ONNX operator Dropout.

    Raises:
        Undefined: in training it draws random numbers.
    """
    return _unless_random(asked, asked.config["rate"])


def gaussian_noise(asked: Call) -> Answer:
    """The input, unchanged, in inference or with a standard deviation of 0. Source: Keras, GaussianNoise layer.

    Raises:
        Undefined: in training it draws random numbers.
    """
    return _unless_random(asked, asked.config["stddev"])


def activity_regularization(asked: Call) -> Answer:
    """The input, unchanged; its penalty is a part of the loss, not of the output. Source: Keras, ActivityRegularization."""
    return Answer(outputs=asked.inputs)


def _unless_random(asked: Call, strength: float) -> Answer:
    if asked.training and strength > 0.0:
        raise Undefined("draws random numbers")
    return Answer(outputs=asked.inputs[:1])


LAYERS: Mapping[str, Definition] = {
    "ActivityRegularization": activity_regularization,
    "AlphaDropout": dropout,
    "Dropout": dropout,
    "GaussianDropout": dropout,
    "GaussianNoise": gaussian_noise,
    "SpatialDropout1D": dropout,
    "SpatialDropout2D": dropout,
    "SpatialDropout3D": dropout,
}
