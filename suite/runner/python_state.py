"""What a model holds in Python beside its variables: a callback, a layer, or the model's own step may change it.

Runs of one configuration share a process and a model. Each is to begin as a process of its own would.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from suite.runner import keras_versions, models
from suite.runner.members import GENERATORS, NOTHING, Member, common_to, is_plain, members


class Held(NamedTuple):
    """What a layer, the model, a loss, or an object inside of them holds, with a copy of what it held."""

    member: Member
    value: Any


def held(model: Any) -> list[Held]:
    """Every attribute that is a number, a text, a flag, an array, a list or dictionary of these, or a generator of random
    numbers; every variable that the model does not know of."""
    import keras

    losses = [
        one for one in keras_versions.tree().flatten(getattr(model, "loss", None)) if isinstance(one, keras.losses.Loss)
    ]
    owners = {id(one): one for one in [model, *models.layers_of(model), *losses]}
    known = {id(variable) for variable in models.variables(model).values()}
    return [one for owner in owners.values() for one in of(owner, common_to(owner), known)]


def of(owner: Any, common: Collection[str], known: Collection[int] = ()) -> Iterator[Held]:
    """What one object holds, as `members`, and without Keras's own notes."""
    anybodys = not keras_versions.is_of_keras(type(owner))
    for one in members(owner, common, known):
        if (anybodys or one.name[0] != "_") and (copied := _copy(one.now())) is not NOTHING:
            yield Held(one, copied)


def put_back(found: Iterable[Held]) -> None:
    """Everything holds again what it held, where it holds something else now."""
    for one in found:
        if _is_other(one):
            one.member.put(_copy(one.value))


def moved(found: Iterable[Held]) -> bool:
    """Whether something holds something else now."""
    return any(map(_is_other, found))


def unmoved(found: Iterable[Held]) -> list[str]:
    """The names of the variables that hold what they held."""
    return [one.member.name for one in found if one.member.is_variable and not _is_other(one)]


def _is_other(one: Held) -> bool:
    return not _equal(one.member.now(), one.value)


def _copy(value: Any) -> Any:
    if is_plain(value):
        return value
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, list) and all(map(is_plain, value)):
        return list(value)
    if isinstance(value, Mapping) and all(map(is_plain, value.values())):
        return dict(value)
    return copy.deepcopy(value) if isinstance(value, GENERATORS) else NOTHING


def _equal(now: Any, before: Any) -> bool:
    if isinstance(before, GENERATORS):
        return type(now) is type(before) and pickle.dumps(now) == pickle.dumps(before)
    if isinstance(before, np.ndarray):
        return isinstance(now, np.ndarray) and now.dtype == before.dtype and now.tobytes() == before.tobytes()
    if isinstance(now, list | Mapping):
        return bool(_copy(now) == before)
    return type(now) is type(before) and (now == before or (now != now and before != before))  # NaN is NaN
