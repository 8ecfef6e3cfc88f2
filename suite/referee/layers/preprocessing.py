"""Definitions of the layers that prepare inputs: scale, encode, crop and mask them, or pass them on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from suite.referee.activations import Floats
from suite.referee.definition import Answer, Array, Call, Definition, Undefined
from suite.referee.layers.nested import inside


def identity(asked: Call) -> Answer:
    """The inputs as they are. Source: Keras, Identity and InputLayer."""
    return Answer(outputs=asked.inputs)


def custom(asked: Call) -> Answer:
    """A function that the user wrote.

    Raises:
        Undefined: always.
    """
    raise Undefined(f"{asked.layer} applies a function of the user")


def masking(asked: Call) -> Answer:
    """0 at the steps where every feature is mask_value, else the input. Source: Keras, Masking layer."""
    return _masked(asked.inputs[0], _counts(asked))


def _counts(asked: Call) -> Array:
    counts: Array = np.any(asked.inputs[0] != _numbers(asked.config["mask_value"]), axis=-1, keepdims=True)
    return counts


def _masked(x: Array, counts: Array) -> Answer:
    return Answer(outputs=(np.where(counts, x, 0),))


def _hold_steps(asked: Call) -> Definition:
    """Which steps count has no gradient: a step that is masked stays so, however little it moves."""
    counts = _counts(asked)
    return lambda moved: _masked(moved.inputs[0], counts)


def rescaling(asked: Call) -> Answer:
    """x * scale + offset, broadcast over the last axes. Source: Keras, Rescaling layer."""
    x = np.asarray(asked.inputs[0], np.float64)
    return Answer(outputs=(x * _numbers(asked.config["scale"]) + _numbers(asked.config["offset"]),))


def normalization(asked: Call) -> Answer:
    """(x - mean) / max(sqrt(variance), epsilon), with a mean and a variance for each place on the axes `axis`.

    With invert: mean + x * max(sqrt(variance), epsilon).

    They are weights that `adapt` has set, or given: then they are broadcast over the kept axes, the last of their own axes
    to the last kept one. Source: Keras, Normalization layer; epsilon is keras.config.epsilon().
    """
    x = np.asarray(asked.inputs[0], np.float64)
    mean, variance = (_over_kept_axes(asked, name, x.ndim) for name in ("mean", "variance"))
    deviation = np.maximum(np.sqrt(variance), asked.epsilon)
    return Answer(outputs=(mean + x * deviation if asked.config["invert"] else (x - mean) / deviation,))


def _over_kept_axes(asked: Call, name: str, axes: int) -> Floats:
    given = asked.config[name]
    values = np.asarray(asked.weights[name] if given is None else given, np.float64)
    axis = asked.config["axis"]
    kept = sorted(at % axes for at in ([] if axis is None else np.atleast_1d(axis)))
    shape = [1] * axes
    for at, length in zip(reversed(kept), reversed(values.shape), strict=False):
        shape[at] = length
    return values.reshape(shape)


def discretization(asked: Call) -> Answer:
    """The number of boundaries that are not larger than x, so that bin i holds [boundary i-1, boundary i); encoded like the
    categories of CategoryEncoding unless output_mode is "int". Source: Keras, Discretization layer.

    Raises:
        Undefined: the layer has no boundaries yet.
    """
    boundaries = asked.config["bin_boundaries"]
    if boundaries is None:
        raise Undefined("Discretization without boundaries: it was not adapted")
    x = np.asarray(asked.inputs[0])
    bins = np.sum(x[..., np.newaxis] >= np.asarray(boundaries, np.float64), axis=-1)
    return Answer(outputs=(_encoded(bins, asked.config["output_mode"], len(boundaries) + 1, None),))


def category_encoding(asked: Call) -> Answer:
    """Each category as a row of num_tokens numbers.

    one_hot: 1 at its place (a last axis of size 1 is replaced, otherwise there is a new one). multi_hot: 1 at the place of
    each category in the sample, the last axis. count: how often it is in the sample, or the sum of its count_weights.
    Source: Keras, CategoryEncoding layer.

    Raises:
        Undefined: a category outside of 0 ... num_tokens - 1; samples with more than one axis.
    """
    weights = asked.arguments.get("count_weights")
    categories = np.asarray(asked.inputs[0]).astype(np.int64)
    return Answer(outputs=(_encoded(categories, asked.config["output_mode"], asked.config["num_tokens"], weights),))


def _encoded(categories: Array, mode: str, count: int, weights: Any) -> Array:
    if mode == "int":
        return categories
    if categories.size and not 0 <= categories.min() <= categories.max() < count:
        raise Undefined(f"categories {categories.min()} to {categories.max()}, and there are {count}")
    one_hot = np.asarray(categories[..., np.newaxis] == np.arange(count), np.float64)
    if mode == "one_hot":
        return one_hot[..., 0, :] if categories.ndim > 1 and categories.shape[-1] == 1 else one_hot
    if categories.ndim > 2:
        raise Undefined(f"{mode} of categories with {categories.ndim} axes")
    samples = one_hot if categories.ndim else one_hot[np.newaxis]
    if mode == "multi_hot":
        return np.asarray(np.max(samples, axis=-2))
    factors = 1.0 if weights is None else np.asarray(weights, np.float64)[..., np.newaxis]
    return np.asarray(np.sum(samples * factors, axis=-2))


def integer_lookup(asked: Call) -> Answer:
    """The place of each integer in the vocabulary, after the places for the mask token (0, if there is one) and for unknown
    integers (one, or none). Source: Keras, IntegerLookup layer.

    Raises:
        Undefined: no vocabulary in the configuration, several places for unknown integers (they are hashed), an unknown one
            without a place, the inverse, or an output_mode other than "int".
    """
    config, x = asked.config, np.asarray(asked.inputs[0])
    vocabulary, unknown, token = config["vocabulary"], config["num_oov_indices"], config["mask_token"]
    if vocabulary is None or unknown > 1 or config["invert"] or config["output_mode"] != "int":
        raise Undefined("IntegerLookup other than from integers to their places, with one place for unknown ones")
    places = {value: place for place, value in enumerate(vocabulary, start=unknown + (token is not None))}
    first = int(token is not None)
    if token is not None:
        places[token] = 0
    if not unknown and any(int(value) not in places for value in x.flat):
        raise Undefined("IntegerLookup of an integer outside of its vocabulary, and it has no place for unknown ones")
    return Answer(outputs=(np.array([places.get(int(value), first) for value in x.flat], np.int64).reshape(x.shape),))


def center_crop(asked: Call) -> Answer:
    """The middle of each image, height x width; the smaller half of what is left over goes first.

    An image that is too small is cropped to the target's aspect ratio and resized, bilinearly. Source: Keras, CenterCrop
    layer; ONNX operator CenterCropPad.
    """
    config, x = asked.config, np.asarray(asked.inputs[0], np.float64)
    first = x.ndim - (2 if config["data_format"] == "channels_first" else 3)
    margins = [x.shape[first] - config["height"], x.shape[first + 1] - config["width"]]
    if min(margins) < 0:
        return cropped_and_resized(asked, x)
    for axis, (margin, length) in enumerate(zip(margins, (config["height"], config["width"]), strict=True), start=first):
        x = np.take(x, np.arange(math.floor(margin / 2), math.floor(margin / 2) + length), axis=axis)
    return Answer(outputs=(x,))


def cropped_and_resized(asked: Call, x: Floats) -> Answer:
    """The largest part in the middle with the aspect ratio of height x width, resized to that size bilinearly."""
    names = ("name", "height", "width", "data_format")
    config = {name: asked.config[name] for name in names}
    config |= {"interpolation": "bilinear", "crop_to_aspect_ratio": True}
    return inside(asked, {"class_name": "Resizing", "config": config}, (x,))


def _numbers(value: Any) -> Floats:
    """A number or an array of a configuration, also as {"class_name": "__numpy__", "config": {"value": ...}}."""
    return np.asarray(value["config"]["value"] if isinstance(value, Mapping) else value, np.float64)


LAYERS: Mapping[str, Definition] = {
    "CategoryEncoding": category_encoding,
    "CenterCrop": center_crop,
    "Discretization": discretization,
    "Identity": identity,
    "InputLayer": identity,
    "IntegerLookup": integer_lookup,
    "Lambda": custom,
    "Masking": masking,
    "Normalization": normalization,
    "Rescaling": rescaling,
}
HELD: Mapping[str, Callable[[Call], Definition]] = {"Masking": _hold_steps}
