"""What an object holds in Python: its attributes, and those of the objects that a user keeps inside it."""

from __future__ import annotations

import random
import sys
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

import numpy as np

OF_TRAINING = frozenset({"history", "optimizer", "loss", "stop_training"})  # attributes of a model that `fit` leaves behind
NOTHING = object()  # in the place of what cannot be told
GENERATORS = (random.Random, np.random.Generator, np.random.RandomState)  # of random numbers, in Python
DEPTH = 3  # of objects inside objects
OF_NOBODY = {"keras", "tensorflow", "jax", "jaxlib", "torch", "numpy", "optree", *sys.stdlib_module_names}  # packages


class Member(NamedTuple):
    """An attribute of `holder`, named from the outermost object: "helper.mean" for one of a helper inside."""

    holder: Any
    attribute: str
    name: str
    value: Any

    @property
    def is_variable(self) -> bool:
        """Whether it is a variable of Keras that the model does not know of."""
        return isinstance(self.value, _kinds("Variable"))

    def now(self) -> Any:
        """What the holder holds now; of a variable, its values."""
        if not self.is_variable:
            return vars(self.holder).get(self.attribute, NOTHING)

        import keras

        try:
            values = np.array(keras.ops.convert_to_numpy(self.value))
        except Exception:  # a step that was traced may have left something in it that is no array
            return NOTHING
        return values if values.ndim else values.item()

    def put(self, value: Any) -> None:
        """Holds this from now on; a variable takes the values of an array."""
        if self.is_variable:
            self.value.assign(value)
        else:
            vars(self.holder)[self.attribute] = value  # straight into the instance: Keras tracks what is set


def is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def common_to(owner: Any) -> frozenset[str]:
    """The attributes that every layer, or every model, has, and those that `fit` leaves behind."""
    import keras

    of_layers = {*vars(keras.layers.Layer()), *OF_TRAINING}
    return frozenset(of_layers | vars(keras.Model()).keys() if isinstance(owner, keras.Model) else of_layers)


def members(owner: Any, common: Collection[str], known: Collection[int] = (), depth: int = DEPTH) -> Iterator[Member]:
    """Everything that an object holds, but for attributes that are `common` to all of its kind, and for what Keras looks
    after itself. `known`: the identities of the model's variables."""
    for name, value in vars(owner).items():
        if name in common or id(value) in known:
            continue
        if isinstance(value, _kinds("Layer", "Metric", "Optimizer", "Loss")):
            continue
        one = Member(owner, name, name, value)
        if one.is_variable or not _is_of_a_user(value):
            yield one
        elif depth > 1:
            for inside in members(value, (), known, depth - 1):
                yield inside._replace(name=f"{name}.{inside.name}")


def _is_of_a_user(value: Any) -> bool:
    """Whether it is an object of a class that neither Python nor a framework brings."""
    return hasattr(value, "__dict__") and type(value).__module__.partition(".")[0] not in OF_NOBODY


def _kinds(*names: str) -> tuple[type, ...]:
    """These classes of Keras; none where Keras is not imported."""
    keras = sys.modules.get("keras")
    if keras is None:
        return ()
    places = {"Layer": "layers", "Metric": "metrics", "Optimizer": "optimizers", "Loss": "losses"}
    return tuple(getattr(getattr(keras, places[name]) if name in places else keras, name) for name in names)
