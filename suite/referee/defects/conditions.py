"""What must hold, beside the class and the stage, for a sighting to be a known defect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from suite.referee.defects.records import (
    AS_IN_PREDICTION,
    AS_IN_TRAINING,
    NO_GRADIENT,
    OF_VALIDATION,
    OVER_REPLICAS,
    Sighting,
)


def inner(sighting: Sighting, name: str) -> Mapping[str, Any]:
    """The configuration of the object that an argument holds; empty if it holds none."""
    held = sighting.config.get(name)
    return held.get("config", {}) if isinstance(held, Mapping) else {}


def _holds(sighting: Sighting, name: str, kind: str) -> bool:
    """Whether an argument holds an object of this class."""
    held = sighting.config.get(name)
    return isinstance(held, Mapping) and held.get("class_name") == kind


def by_rows(sighting: Sighting) -> bool:
    """What is clipped by the norm of all gradients is dense from then on."""
    return sighting.rows and not sighting.dense and not _clips(sighting, "global_clipnorm")


def clips_rows(sighting: Sighting) -> bool:
    """The norm of all gradients scales the dense ones, too."""
    own = not sighting.dense and _clips(sighting, "clipnorm", "clipvalue")
    return sighting.rows and (own or _clips(sighting, "global_clipnorm"))


def _clips(sighting: Sighting, *options: str) -> bool:
    config = {**sighting.config, **inner(sighting, "inner_optimizer")}
    return any(config.get(name) is not None for name in options)


def scales_rows(sighting: Sighting) -> bool:
    return sighting.rows and sighting.argument("loss_scale_factor") is not None


def scales_nadam(sighting: Sighting) -> bool:
    return _holds(sighting, "inner_optimizer", "Nadam")


def without_relative_step(sighting: Sighting) -> bool:
    return sighting.argument("relative_step", True) is False


def accumulates_an_infinity(sighting: Sighting) -> bool:
    return sighting.infinite and sighting.argument("gradient_accumulation_steps") is not None


def decays(sighting: Sighting) -> bool:
    return sighting.argument("weight_decay") is not None


def excludes_by_path(sighting: Sighting) -> bool:
    """Whether names that weight decay leaves out are in the variable's path, and not in its name."""
    names = str(sighting.config.get("exclude_from_weight_decay_names") or "")
    path, name = sighting.part, sighting.part.rpartition("/")[2]
    return decays(sighting) and bool(names) and bool(re.search(names, path)) and not re.search(names, name)


def restarts(sighting: Sighting) -> bool:
    return _holds(sighting, "learning_rate", "CosineDecayRestarts")


def weighs_sides_differently(sighting: Sighting) -> bool:
    return bool(sighting.argument("alpha", 0.5) != sighting.argument("beta", 0.5))


def labels_in_a_column(sighting: Sighting) -> bool:
    return bool(sighting.shapes) and len(sighting.shapes[0]) == 2


def weighs_rows_of_sequences(sighting: Sighting) -> bool:
    return len(sighting.shapes) > 2 and len(sighting.shapes[2]) == 1 and len(sighting.shapes[1]) > 2


def from_logits(sighting: Sighting) -> bool:
    return bool(sighting.argument("from_logits"))


def from_probabilities(sighting: Sighting) -> bool:
    return not from_logits(sighting)


def of_integers(sighting: Sighting) -> bool:
    """What a backend says of integers; a sighting does not tell the dtypes of its inputs."""
    return any(word in sighting.detail for word in ("Int", "Long", "int32", "int64"))


def one_filter(sighting: Sighting) -> bool:
    return bool(sighting.argument("filters") == 1)


def given_a_query_mask(sighting: Sighting) -> bool:
    return "query_mask" in sighting.config


def says_lanczos(sighting: Sighting) -> bool:
    return "Lanczos" in sighting.detail


def mixes_precisions(sighting: Sighting) -> bool:
    return "float tensor but is a double" in sighting.detail


def says_no_kernel(sighting: Sighting) -> bool:
    """The words in which TensorFlow says that it has no kernel for a layout, a dilation or a dtype on CPU."""
    words = ("only supports", "not yet support", "kernel", "Could not find device", "double is not in the list")
    return mixes_precisions(sighting) or any(word in sighting.detail for word in words)


def adds_bias_before_the_last_axis(sighting: Sighting) -> bool:
    first = sighting.argument("data_format") == "channels_first"
    return sighting.argument("use_bias", True) is not False and (first or sighting.argument("bias_axes") is not None)


def normalizes_before_the_last_axis(sighting: Sighting) -> bool:
    """Along an axis that is not the last, or along several that do not end with it."""
    axis, rank = sighting.argument("axis", -1), max((len(shape) for shape in sighting.shapes), default=0)
    axes = axis if isinstance(axis, list | tuple) else [axis]
    return rank > 0 and max(one % rank for one in axes) != rank - 1


def zeroes_masked_outputs(sighting: Sighting) -> bool:
    """A recurrent layer, itself or inside of a wrapper."""
    config = {**sighting.config, **inner(sighting, "layer")}
    return sighting.masked and bool(config.get("zero_output_for_mask"))


def zeroes_without_sequences(sighting: Sighting) -> bool:
    config = {**sighting.config, **inner(sighting, "layer")}
    return zeroes_masked_outputs(sighting) and not config.get("return_sequences")


def zeroes_unrolled(sighting: Sighting) -> bool:
    return zeroes_masked_outputs(sighting) and bool(sighting.argument("unroll"))


def zeroes_unrolled_backwards(sighting: Sighting) -> bool:
    return zeroes_unrolled(sighting) and bool(sighting.argument("go_backwards"))


def masked_unrolled_backwards(sighting: Sighting) -> bool:
    return sighting.masked and bool(sighting.argument("unroll")) and bool(sighting.argument("go_backwards"))


def masked(sighting: Sighting) -> bool:
    return sighting.masked


def said_of_validation(sighting: Sighting) -> bool:
    return sighting.detail == OF_VALIDATION


def masked_beside_a_state(sighting: Sighting) -> bool:
    return sighting.masked and len(sighting.shapes) > 1


def one_cell_in_a_list(sighting: Sighting) -> bool:
    cells = sighting.argument("cell")
    return sighting.masked and isinstance(cells, list) and len(cells) == 1


def one_channel_masked(sighting: Sighting) -> bool:
    return sighting.masked and sighting.training and any(shape[-1] == 1 for shape in sighting.shapes)


def smooths_along_an_axis(sighting: Sighting) -> bool:
    return bool(sighting.argument("label_smoothing") and sighting.argument("axis", -1) != -1)


def axis_before_the_last(sighting: Sighting) -> bool:
    return bool(sighting.argument("axis", -1) != -1)


def pads_alike(sighting: Sighting) -> bool:
    return bool(sighting.argument("padding") == "same")


def to_one_place(sighting: Sighting) -> bool:
    size = sighting.argument("output_size")
    return 1 in (size if isinstance(size, list | tuple) else [size])


def bicubic(sighting: Sighting) -> bool:
    return bool(sighting.argument("interpolation") == "bicubic")


def weighs_masked(sighting: Sighting) -> bool:
    return sighting.masked and len(sighting.shapes) > 2


def of_float32_moments(sighting: Sighting) -> bool:
    """A batch normalization takes moments in training only."""
    return sighting.precision == "float32" and (sighting.name != "BatchNormalization" or sighting.training)


def sparsemax(sighting: Sighting) -> bool:
    return bool(sighting.argument("activation") == "sparsemax")


def softplus(sighting: Sighting) -> bool:
    return sighting.argument("activation") in ("softplus", "mish", "log_sigmoid")


def trains(sighting: Sighting) -> bool:
    return sighting.training


def of_an_embedding(sighting: Sighting) -> bool:
    return _holds(sighting, "layer", "Embedding")


def may_see_no_key(sighting: Sighting) -> bool:
    return sighting.masked


def values_of_another_width(sighting: Sighting) -> bool:
    return bool(sighting.argument("value_dim", sighting.argument("key_dim")) != sighting.argument("key_dim"))


def loses_flash_attention(sighting: Sighting) -> bool:
    return sighting.part == "flash_attention"


def loses_what_it_needs(sighting: Sighting) -> bool:
    return sighting.part in ("axis", "delta")


def has_weights(sighting: Sighting) -> bool:
    return sighting.argument("weights") is not None


def mirrors_with_the_edge(sighting: Sighting) -> bool:
    return bool(sighting.argument("mode") == "symmetric")


def without_data_format(sighting: Sighting) -> bool:
    return sighting.argument("data_format") is None


def reflects(sighting: Sighting) -> bool:
    return bool(sighting.argument("fill_mode") == "reflect")


def returns_floats_of_integers(sighting: Sighting) -> bool:
    return sighting.integers and bool(sighting.precision)


def squeezes_one_channel(sighting: Sighting) -> bool:
    channels = {"channels_first": -3}.get(str(sighting.argument("data_format")), -1)
    one = bool(sighting.shapes) and len(sighting.shapes[0]) > 2 and sighting.shapes[0][channels] == 1
    return bool(sighting.argument("antialias")) and sighting.argument("width") == 1 and one


def lets_others_train(sighting: Sighting) -> bool:
    return sighting.detail == AS_IN_TRAINING


def computes_as_in_prediction(sighting: Sighting) -> bool:
    return sighting.training and sighting.detail == AS_IN_PREDICTION


def has_no_gradient(sighting: Sighting) -> bool:
    return sighting.detail == NO_GRADIENT


def over_replicas(sighting: Sighting) -> bool:
    return sighting.detail == OVER_REPLICAS


def masked_over_replicas(sighting: Sighting) -> bool:
    return sighting.masked and over_replicas(sighting)


def celu(sighting: Sighting) -> bool:
    return bool(sighting.argument("activation") == "celu")


def of_no_vector(sighting: Sighting) -> bool:
    """Of an array that has several axes, or none."""
    return bool(sighting.shapes) and len(sighting.shapes[0]) != 1


def without_window(sighting: Sighting) -> bool:
    """A window of None, which is not the default, and a frame that is shorter than what is transformed."""
    given = "window" in sighting.config and sighting.config["window"] is None
    return given and bool(sighting.argument("fft_length") != sighting.argument("sequence_length"))


def limits_to_the_best(sighting: Sighting) -> bool:
    return sighting.argument("top_k") is not None
