"""What a model holds in Python beside its variables: a callback, a layer, or the model's own step may change it.

Runs of one configuration share a process and a model. Each is to begin as a process of its own would.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from suite.runner import keras_versions, layer_attributes, models

NOTHING = object()  # what is not put back


class Held(NamedTuple):
    """One attribute of a layer, of the model, or of a loss, with a copy of what it held."""

    owner: Any
    name: str
    value: Any


def held(model: Any) -> list[Held]:
    """Every attribute that is a number, a text, a flag, an array, or a list or dictionary of these."""
    import keras

    of_layers = {*vars(keras.layers.Layer()), *layer_attributes.OF_TRAINING}
    of_models = {*vars(keras.Model()), *of_layers}
    losses = [one for one in keras.tree.flatten(getattr(model, "loss", None)) if isinstance(one, keras.losses.Loss)]
    owners = {id(one): one for one in [model, *models.layers_of(model), *losses]}
    return [
        one for owner in owners.values() for one in of(owner, of_models if isinstance(owner, keras.Model) else of_layers)
    ]


def of(owner: Any, common: Collection[str]) -> Iterator[Held]:
    """What one object holds, without the attributes that are `common` to all of its kind, and without Keras's own notes."""
    anybodys = not keras_versions.is_of_keras(type(owner))
    for name, value in vars(owner).items():
        if name not in common and (anybodys or name[0] != "_") and (copied := _copy(value)) is not NOTHING:
            yield Held(owner, name, copied)


def put_back(found: Iterable[Held]) -> None:
    """Each attribute holds again what it held, where it holds something else now."""
    for one in found:
        if _is_other(one):
            vars(one.owner)[one.name] = _copy(one.value)  # straight into the instance: Keras tracks what is set


def moved(found: Iterable[Held]) -> bool:
    """Whether an attribute holds something else now."""
    return any(map(_is_other, found))


def _is_other(one: Held) -> bool:
    return not _equal(vars(one.owner).get(one.name, NOTHING), one.value)


def _copy(value: Any) -> Any:
    if layer_attributes.is_plain(value):
        return value
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, list) and all(map(layer_attributes.is_plain, value)):
        return list(value)
    if isinstance(value, Mapping) and all(map(layer_attributes.is_plain, value.values())):
        return dict(value)
    return NOTHING


def _equal(now: Any, before: Any) -> bool:
    if isinstance(before, np.ndarray):
        return isinstance(now, np.ndarray) and now.dtype == before.dtype and now.tobytes() == before.tobytes()
    if isinstance(now, list | Mapping):
        return bool(_copy(now) == before)
    return type(now) is type(before) and now == before
