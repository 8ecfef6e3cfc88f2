"""The variables of any optimizer by name, and the optimizers inside a wrapper.

A slot is a variable that an optimizer keeps for one variable of the model. Its name is that variable's name and its own:
"dense/kernel/momentum". Everything else that an optimizer keeps is "optimizer/<name>". Keras's own names do not do: a
LossScaleOptimizer has an `iteration` and a `learning_rate` beside those of the optimizer inside it, Adafactor gives two
slots the name of the variable itself, and "a/b" and "a_b" become one name. So a slot is found by its place in a list of
the optimizer that has an entry for each trained variable, and by its name only where there is no such list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from suite.records import SHARED_AVERAGES, Tensor, TensorGroup
from suite.runner import keras_versions, models

UNDECAYED = "exclude_from_weight_decay"  # as Keras calls what no configuration holds
UNDECAYED_NAMES = "exclude_from_weight_decay_names"  # those that it was given, as one regular expression
WHOLE = "optimizer"  # what a variable of the optimizer as a whole is named after
LISTS = ("_variables", "_trainable_variables")  # of every optimizer; no list of slots
AUTOMATIC = re.compile(r"variable(_\d+)?")  # the name of a variable that got none: numbered as a process makes them


def slots(model: Any) -> dict[str, Any]:
    """The optimizer's variables by name, in its own order. The optimizer must be built.

    A wrapper's own variables are "optimizer/<its class>/<name>"; those of the one optimizer inside it have the names that
    they have without a wrapper. Of several optimizers inside, each has a number: "optimizer/<number>/<name>". Those that the
    model holds beside come last, each with the name of its attribute: "optimizer/<attribute>/<name>".
    """
    variables = models.variables(model)
    found = slots_of(model.optimizer, variables)
    for attribute, optimizer in others(model).items():
        for name, variable in slots_of(optimizer, variables, f"{WHOLE}/{attribute}").items():
            found[_free(name, found)] = variable
    return found


def others(model: Any) -> dict[str, Any]:
    """The optimizers that a model holds beside the one that it was compiled with, by the names of their attributes: its own
    training step may move each of its parts by one."""
    import keras

    known = members(model.optimizer)
    held = {name: value for name, value in vars(model).items() if isinstance(value, keras.optimizers.Optimizer)}
    return {name: value for name, value in held.items() if not any(value is one for one in known)}


def every(model: Any) -> list[Any]:
    """The one that it was compiled with, and those beside."""
    return [model.optimizer, *others(model).values()]


def asks(optimizer: Any) -> bool:
    """Whether it asks a function of the user's for its learning rate: that may give another number whenever it is asked."""
    import keras

    schedule = keras.optimizers.schedules.LearningRateSchedule
    rates = [member._learning_rate for member in members(optimizer)]  # private: the public property asks
    return any(callable(rate) and not isinstance(rate, schedule) for rate in rates)


def renew(model: Any, built: Collection[str]) -> None:
    """Puts a new optimizer in the place of each of these that was not `built` when training started: it got its slots in the
    first step, and what they hold is to be forgotten. `built`: the attributes of those that were."""
    for attribute, optimizer in others(model).items():
        if optimizer.built and attribute not in built:
            setattr(model, attribute, type(optimizer).from_config(optimizer.get_config()))


def slots_of(optimizer: Any, variables: Mapping[str, Any], whole: str = WHOLE) -> dict[str, Any]:
    """The same of an optimizer of these variables by name. `whole`: what its own variables are named after."""
    names = {id(variable): name for name, variable in variables.items()}
    found: dict[str, Any] = {}
    inside = leaves(optimizer)
    for one in members(optimizer):
        number = next((str(index) for index, leaf in enumerate(inside) if leaf is one), "")
        part = type(one).__name__ if not number else number if len(inside) > 1 else ""
        for name, variable in _named(one, f"{whole}/{part}".rstrip("/"), names):
            found[_free(name, found)] = variable
    return found


def of_a_wrapper(name: str) -> bool:
    """Whether a name that `slots` gives is that of a wrapper's own variable."""
    parts = name.split("/")
    return parts[0] == WHOLE and len(parts) == 3 and not parts[1].isdecimal()


def members(optimizer: Any) -> list[Any]:
    """The optimizer and those inside it, each once, outermost first."""
    found: list[Any] = []
    todo = [optimizer]
    while todo:
        one = todo.pop(0)
        if not any(one is other for other in found):
            found.append(one)
            todo.extend(_inside(one))
    return found


def leaves(optimizer: Any) -> list[Any]:
    """Those of them that have none inside: the optimizers that move variables."""
    return [one for one in members(optimizer) if not _inside(one)]


def rounded_constants(optimizer: Any) -> float:
    """By how much float32 rounds 1 - c, relative, of the constant c between 0.5 and 1 of which it is the most. Nadam
    subtracts in float32 on TensorFlow and JAX: 1 - 0.999 is 1.3e-5 too small there."""
    constants = [value for one in leaves(optimizer) for value in vars(one).values() if isinstance(value, float)]
    wide = [value for value in constants if 0.5 < value < 1.0]
    return max((abs((1.0 - float(np.float32(one))) / (1.0 - one) - 1.0) for one in wide), default=0.0)


def _inside(optimizer: Any) -> list[Any]:
    import keras

    values: list[Any] = []
    for value in vars(optimizer).values():
        values += value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
    return [value for value in values if isinstance(value, keras.optimizers.Optimizer)]


def _own(optimizer: Any) -> list[Any]:
    """Its own variables. A wrapper's `build` turns off Keras's tracking, so that what an optimizer inside it keeps in plain
    attributes (Nadam's product of momenta) is missing from `variables`: it is found here."""
    held = [value for name, value in vars(optimizer).items() if name not in LISTS]
    held += [one for value in held if isinstance(value, list) for one in value]
    return [*optimizer._variables, *(one for one in held if keras_versions.is_variable(one))]


def _named(optimizer: Any, whole: str, names: Mapping[int, str]) -> Iterator[tuple[str, Any]]:
    """Its own variables with their names. `names`: of the model's variables, by identity."""
    owned = {id(variable): variable for variable in _own(optimizer) if id(variable) not in names}
    listed = dict(_listed(optimizer, owned))
    for variable in owned.values():
        own = variable.path.rpartition("/")[2]
        owner, attribute = listed.get(id(variable)) or (_owner_by_name(own, optimizer._trainable_variables), "")
        name = names.get(id(owner), "")
        if name:
            yield f"{name}/{_slot(own, owner, attribute)}", variable
        else:
            yield f"{whole}/{_attribute(optimizer, variable) if AUTOMATIC.fullmatch(own) else own}", variable


def _listed(optimizer: Any, owned: Mapping[int, Any]) -> Iterator[tuple[int, tuple[Any, str]]]:
    """The identity of each slot in a list of slots, with the trained variable in whose place it is and the list's name."""
    trained = list(optimizer._trainable_variables)
    for attribute, values in vars(optimizer).items():
        if attribute not in LISTS and isinstance(values, list) and trained and len(values) == len(trained):
            for owner, value in zip(trained, values, strict=True):
                if id(value) in owned:
                    yield id(value), (owner, attribute)


def _owner_by_name(own: str, trained: Iterable[Any]) -> Any:
    """The trained variable with the longest name that a slot's own name begins with; None if there is none."""
    fitting = [variable for variable in trained if own.startswith(_key(variable))]
    return max(fitting, key=lambda variable: len(_key(variable)), default=None)


def _key(variable: Any) -> str:
    """What Keras puts in front of a slot's name, as `add_variable_from_reference` makes it."""
    return str(variable.path.replace("/", "_")) + "_"


def _slot(own: str, owner: Any, attribute: str) -> str:
    """The kind of a slot: its name without its owner's, or that of the list that it is in."""
    return own.removeprefix(_key(owner)) if own.startswith(_key(owner)) else attribute.strip("_")


def _attribute(optimizer: Any, variable: Any) -> str:
    holding = (name.strip("_") for name, value in vars(optimizer).items() if value is variable)
    return next(holding, "variable")


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """The name, or the first of "<name>#2", "<name>#3", ... that is not taken."""
    count, free = 1, name
    while free in taken:
        count += 1
        free = f"{name}#{count}"
    return free


@contextmanager
def unfinished(optimizer: Any) -> Iterator[None]:
    """While this is entered, the end of a `fit` is not the end of training: the optimizer does not yet replace the trained
    variables by their averages, which it does if it keeps such (`use_ema`)."""
    # Straight into the instance: Keras tracks what is set as an attribute.
    optimizer.__dict__["finalize_variable_values"] = lambda *_: None
    try:
        yield
    finally:
        del optimizer.__dict__["finalize_variable_values"]


def separate(model: Any) -> dict[str, str]:
    """To be called when averages have replaced the trained variables. Keras (3.15) leaves both in one buffer on JAX, which
    gives it away with the variables as soon as the model predicts: this gives the averages a buffer of their own, so that
    there is something to compare. The fact of a model that had such; else none."""
    if not any(optimizer.use_ema for optimizer in leaves(model.optimizer)):
        return {}
    state, weights = slots(model), [variable.value for variable in model.trainable_variables]
    shared = sum(any(value is weight for weight in weights) for value in [slot.value for slot in state.values()])
    models.write(state, models.read(state))
    return {SHARED_AVERAGES: str(shared)} if shared else {}


def slot_tensors(model: Any, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The optimizer's variables, each in the group of the model variable it belongs to."""
    owners = {tensor.name: tensor for tensor in tensors}
    described = []
    for name, variable in slots(model).items():
        owner = owners.get(name.rpartition("/")[0])
        described.append(
            Tensor(
                name=name,
                shape=tuple(variable.shape),
                dtype=str(variable.dtype),
                group=owner.group if owner else TensorGroup.OTHER,
                layer=owner.layer if owner else WHOLE,
            )
        )
    return tuple(described)


def starting(
    slots: Mapping[str, np.ndarray], begun: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """What the slots of a model that begins at `values` begin as. `slots`: as they begin where the model's variables are
    `begun`. A slot that begins as its variable does, as ScheduleFreeAdamW's momentum, follows it."""

    def follows(name: str) -> bool:
        owner = begun.get(name.rpartition("/")[0])
        return owner is not None and bool(np.any(owner)) and np.array_equal(owner, slots[name])

    return {name: values[name.rpartition("/")[0]] if follows(name) else value for name, value in slots.items()}


def undecayed(model: Any) -> list[str]:
    """The names of trained variables that the optimizer's weight decay is to leave out (`exclude_from_weight_decay`)."""
    trained = {id(variable) for variable in model.trainable_variables}
    return [
        name
        for name, variable in models.variables(model).items()
        if id(variable) in trained and any(_is_undecayed(one, variable) for one in leaves(model.optimizer))
    ]


def undecayed_names(model: Any) -> str:
    """The names of variables that weight decay is to leave out, as one regular expression; empty if it was given none."""
    # Private, as below.
    given = (getattr(one, "_exclude_from_weight_decay_pattern", None) for one in leaves(model.optimizer))
    return next((re.compile(pattern).pattern for pattern in given if pattern is not None), "")


def _is_undecayed(optimizer: Any, variable: Any) -> bool:
    """What Keras's own rule says of the variable. It is not asked: it remembers its answer, and gives another one on
    TensorFlow as it trains (known defect K-60)."""
    # Private: the public method only sets what is left out.
    excluded = getattr(optimizer, "_exclude_from_weight_decay", None)
    if excluded and optimizer._var_key(variable) in excluded:
        return True
    pattern = getattr(optimizer, "_exclude_from_weight_decay_pattern", None)
    return pattern is not None and re.search(pattern, variable.name) is not None


def apply(optimizer: Any, gradients: list[Any], variables: list[Any], stateless: Callable[..., Any] | None = None) -> None:
    """One update, as training makes it: on JAX without side effects, because some optimizers decide in a traced branch,
    which must leave nothing behind. `stateless`: its function for this, for instance compiled."""
    import keras

    if keras.backend.backend() != "jax":
        optimizer.apply(gradients, variables)
        return
    own = list(optimizer.variables)
    after = (stateless or optimizer.stateless_apply)([one.value for one in own], gradients, [one.value for one in variables])
    for variable, value in zip([*variables, *own], [*after[0], *after[1]], strict=True):
        variable.assign(value)
