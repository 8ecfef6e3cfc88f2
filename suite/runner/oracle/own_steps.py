"""A pass by a training step that the model's class defines: what it reports, the gradients that reach the optimizer, and,
once these have made an update, what it does after that."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from suite.records import Deviation
from suite.runner import models, optimizers
from suite.runner.oracle.gradients import changed
from suite.runner.oracle.programs import Programs
from suite.runner.outcome import Unsupported

Begin = Callable[[Mapping[str, Any]], Any]  # what is given -> `x`, `y` and `sample_weight` of the rows
Found = tuple[Any, list[Any]]  # the loss that it reports, a scalar or None, and a gradient for each trained variable or None
Updated = tuple[list[np.ndarray], list[np.ndarray]]  # the values of what is trained, and of the optimizer's variables
OWN_STEP = "the model has a training step of its own"


def refuse(model: Any, deviation: Deviation, *, split: bool, shares: bool) -> None:
    """Refuses what such a step does not let an oracle do.

    Raises:
        Unsupported: it says what.
    """
    import keras

    reason = ""
    if optimizers.others(model):
        reason = "with several optimizers"
    elif split:
        reason = "which does not let the loss be taken for each replica's rows of one forward pass"
    elif shares and keras.backend.backend() != "tensorflow":
        reason = "and how it would scale its loss under tf.distribute is not known here"
    elif deviation.regularization != 1.0 or deviation.unclipped:
        reason = "whose loss cannot be changed"
    if reason:
        raise Unsupported(f"{OWN_STEP}, {reason}: this is not emulated")


def prepare(model: Any, rows: Mapping[str, Any]) -> None:
    """Makes what `fit` makes before its first step: on JAX, a step is given the values of all metrics' variables."""
    import keras

    if keras.backend.backend() == "jax":
        model._symbolic_build(data_batch=_packed(models.tensors(rows)))  # private: `fit` does it so


def taken(model: Any, given: Mapping[str, Any], begin: Begin, programs: Programs, key: Hashable) -> Found:
    """Takes the step on what is given, but for the update. What the step has assigned otherwise by then is there afterwards:
    what it does after the update was done to something else, and `finished` does it. Metrics begin anew. With `programs`,
    JAX compiles the whole once for each `key`.

    Raises:
        Unsupported: it does not hand its gradients to the model's optimizer once, in the order of the trained variables.
    """
    import keras

    model.reset_metrics()
    take = _stateless if keras.backend.backend() == "jax" else _eager
    loss, gradients = take(model, given, begin, programs, key)
    scale = float(model.optimizer.scale_loss(1.0))  # which the update takes out again, and is given back there
    return loss, gradients if scale == 1.0 else [changed(one, lambda value: value / scale) for one in gradients]


def updated(model: Any) -> Updated:
    """What an update changes, as it is now."""
    return _values(model.trainable_variables), _values(model.optimizer.variables)


def restore(model: Any, values: Updated) -> None:
    """Has what an update changes as it was."""
    for variable, value in zip(_updated_variables(model), [*values[0], *values[1]], strict=True):
        variable.assign(value)


def finished(model: Any, given: Mapping[str, Any], begin: Begin, programs: Programs, key: Hashable, after: Updated) -> None:
    """Takes a step again that was `taken`, from the same state, with what the update has come to in the update's place: so
    what it does after the update (an average of weights, say) is done to what is there then."""
    import keras

    model.reset_metrics()
    if keras.backend.backend() == "jax":
        _take_stateless(model, given, begin, programs, key, after)
        return
    with _instead(model.optimizer, "apply", lambda grads, trainable_variables=None: restore(model, after)):
        model.train_step(_packed(begin(given)))


@contextmanager
def as_replica_of(replicas: int) -> Iterator[None]:
    """While this is entered, TensorFlow says that it runs so many replicas, as a step that scales its loss asks."""
    import tensorflow as tf

    kind, name = type(tf.distribute.get_strategy()), "num_replicas_in_sync"
    own = vars(kind).get(name)
    setattr(kind, name, property(lambda _: replicas))
    try:
        yield
    finally:
        if own is None:
            delattr(kind, name)
        else:
            setattr(kind, name, own)


def _eager(model: Any, given: Mapping[str, Any], begin: Begin, programs: Programs, key: Hashable) -> Found:
    handed: list[tuple[list[Any], Any, Updated]] = []

    def apply(grads: Sequence[Any], trainable_variables: Any = None) -> None:
        handed.append(([_copy(one) for one in grads], trainable_variables, updated(model)))

    with _instead(model.optimizer, "apply", apply):
        logs = model.train_step(_packed(begin(given)))
    gradients, variables, before = _once(handed)
    found = _loss(logs), _in_order(model, gradients, variables)
    restore(model, before)
    return found


def _stateless(model: Any, given: Mapping[str, Any], begin: Begin, programs: Programs, key: Hashable) -> Found:
    loss, gradients, before = _take_stateless(model, given, begin, programs, key, updated(model))
    restore(model, before)
    return loss, _in_order(model, gradients, None)


def _take_stateless(
    model: Any, given: Mapping[str, Any], begin: Begin, programs: Programs, key: Hashable, after: Updated
) -> tuple[Any, Sequence[Any], Any]:
    """Takes the step with the values `after` the update, whatever its gradients are. Returns the loss, the gradients, and
    what the optimizer was to update. It is one program for all values."""
    variables = (
        list(model.trainable_variables),
        list(model.non_trainable_variables),
        list(model.optimizer.variables),
        list(model.metrics_variables),
    )

    def program(state: Any, given: Mapping[str, Any], after: Updated) -> Any:
        handed: list[tuple[Sequence[Any], Any]] = []

        def apply(optimizer_variables: Any, grads: Sequence[Any], trainable_variables: Any) -> Any:
            handed.append((grads, (list(trainable_variables), list(optimizer_variables))))
            return after

        with _instead(model.optimizer, "stateless_apply", apply):
            logs, left = model.train_step(state, _packed(begin(given)))
        return _loss(logs), *_once(handed), left

    state = tuple([variable.value for variable in part] for part in variables)
    loss, gradients, before, left = programs.made(("own step", key), lambda: program)(state, given, after)
    for part, values in zip(variables, left, strict=True):
        for variable, value in zip(part, values, strict=True):
            variable.assign(value)
    return loss, gradients, before


def _updated_variables(model: Any) -> list[Any]:
    return [*model.trainable_variables, *model.optimizer.variables]


def _values(variables: Sequence[Any]) -> list[np.ndarray]:
    return [np.array(variable.numpy()) for variable in variables]


@contextmanager
def _instead(thing: Any, name: str, function: Callable[..., Any]) -> Iterator[None]:
    # Straight into the instance: Keras tracks what is set as an attribute.
    own = thing.__dict__.get(name)
    thing.__dict__[name] = function
    try:
        yield
    finally:
        del thing.__dict__[name]
        if own is not None:  # somebody has put one there before
            thing.__dict__[name] = own


def _once(handed: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    if len(handed) != 1:
        times = f"{len(handed)} times" if handed else "never"
        raise Unsupported(f"{OWN_STEP}, which hands gradients to the model's optimizer {times}: this is not emulated")
    return handed[0]


def _in_order(model: Any, gradients: Sequence[Any], variables: Any) -> list[Any]:
    """A gradient for each of the model's trained variables, from those of `variables` (None: of all of them)."""
    trained = list(model.trainable_variables)
    places = {id(one): index for index, variable in enumerate(trained) for one in (variable, variable.value)}
    given = trained if variables is None else list(variables)
    if len(given) != len(gradients) or any(id(one) not in places for one in given):
        raise Unsupported(
            f"{OWN_STEP}, which hands over gradients of other variables than are trained: this is not emulated"
        )
    found: list[Any] = [None] * len(trained)
    for variable, gradient in zip(given, gradients, strict=True):
        found[places[id(variable)]] = gradient
    return found


def _copy(gradient: Any) -> Any:
    """Of a dense one on torch, where a step may add to it again."""
    return gradient.detach().clone() if hasattr(gradient, "detach") else gradient


def _loss(logs: Any) -> Any:
    return logs.get("loss") if isinstance(logs, Mapping) else None


def _packed(rows: Mapping[str, Any]) -> Any:
    """The rows as `fit` gives them to a training step."""
    import keras

    return keras.utils.pack_x_y_sample_weight(rows["x"], rows.get("y"), rows.get("sample_weight"))
