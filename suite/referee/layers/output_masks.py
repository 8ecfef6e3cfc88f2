"""The mask that a layer gives to its output, which the next layer gets with its input. Source: Keras, compute_mask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

import numpy as np

from suite.referee.definition import Call
from suite.referee.layers.masks import Mask, mask_of

PASS_IT_ON = (
    "Activation", "ActivityRegularization", "AlphaDropout", "Attention", "AdditiveAttention", "BatchNormalization", "Dense",
    "Dropout", "ELU", "GaussianDropout", "GaussianNoise", "GroupNormalization", "GroupQueryAttention", "Identity",
    "LayerNormalization", "LeakyReLU", "MultiHeadAttention", "Normalization", "PReLU", "ReLU", "Rescaling", "Softmax",
    "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "TimeDistributed", "UnitNormalization",
)  # fmt: skip
RECURRENT = ("RNN", "SimpleRNN", "GRU", "LSTM", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
MERGING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")


def output_mask(asked: Call) -> Mask | None:
    """The mask of a layer's first output, or None; layers that are not in the table drop the mask of their input."""
    return OUTPUT_MASKS[asked.layer](asked) if asked.layer in OUTPUT_MASKS else None


def _of_sequence(asked: Call) -> Mask | None:
    return mask_of(asked) if asked.config["return_sequences"] else None


def _of_bidirectional(asked: Call) -> Mask | None:
    return mask_of(asked) if asked.config["layer"]["config"]["return_sequences"] else None


def _of_embedding(asked: Call) -> Mask | None:
    return np.not_equal(asked.inputs[0], 0) if asked.config.get("mask_zero") else None


def _of_masking(asked: Call) -> Mask:
    value = asked.config["mask_value"]
    value = value["config"]["value"] if isinstance(value, Mapping) else value
    return np.asarray(np.any(asked.inputs[0] != np.asarray(value), axis=-1))


def _of_merging(asked: Call) -> Mask | None:
    """What any of the inputs keeps; None if an input has no mask."""
    masks = [mask_of(asked, index) for index in range(len(asked.inputs))]
    given = [mask for mask in masks if mask is not None]
    return reduce(np.logical_or, given) if len(given) == len(masks) else None


def _of_concatenation(asked: Call) -> Mask | None:
    """The masks joined like the inputs, with each entry of an input kept or not; a step counts if any of its entries is."""
    masks = [mask_of(asked, index) for index in range(len(asked.inputs))]
    if all(mask is None for mask in masks):
        return None
    entries = [
        np.ones(x.shape, np.bool_) if mask is None else np.broadcast_to(mask[..., np.newaxis], x.shape)
        for x, mask in zip(asked.inputs, masks, strict=True)
    ]
    return np.asarray(np.any(np.concatenate(entries, axis=asked.config["axis"]), axis=-1))


OUTPUT_MASKS: Mapping[str, Callable[[Call], Mask | None]] = {
    **dict.fromkeys(PASS_IT_ON, mask_of),
    **dict.fromkeys(RECURRENT, _of_sequence),
    **dict.fromkeys(MERGING, _of_merging),
    "Bidirectional": _of_bidirectional,
    "Concatenate": _of_concatenation,
    "Embedding": _of_embedding,
    "Masking": _of_masking,
}
