"""A training step that the model's class defines, taken by an oracle: with each update in its place, as far as these are
known, until it hands over gradients whose update is not. So a step may train with several optimizers, and go on after each
update."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from suite.records import Deviation
from suite.runner import models, optimizers
from suite.runner.oracle.gradients import changed
from suite.runner.oracle.programs import Programs
from suite.runner.oracle.update import Handed, Updated, restore, updated
from suite.runner.outcome import Unsupported

Begin = Callable[[Mapping[str, Any]], Any]  # what is given -> `x`, `y` and `sample_weight` of the rows
OWN_STEP = "the model has a training step of its own"


class _Stopped(BaseException):
    """Ends a step where it hands over. An `except Exception` in a user's step does not catch it."""

    def __init__(self, handed: Handed) -> None:
        super().__init__()
        self.handed = handed


def refuse(model: Any, deviation: Deviation, *, split: bool, shares: bool) -> None:
    """Refuses what such a step does not let an oracle do.

    Raises:
        Unsupported: it says what.
    """
    import keras

    reason = ""
    if optimizers.others(model) and keras.backend.backend() == "jax":
        reason = "with several optimizers, on JAX"
    elif split:
        reason = "which does not let the loss be taken for each replica's rows of one forward pass"
    elif shares and keras.backend.backend() != "tensorflow":
        reason = "and how it would scale its loss under tf.distribute is not known here"
    elif deviation.regularization != 1.0 or deviation.unclipped:
        reason = "whose loss cannot be changed"
    if reason:
        raise Unsupported(f"{OWN_STEP}, {reason}: this is not emulated")


def prepare(model: Any, rows: Mapping[str, Any]) -> None:
    """Makes what `fit` makes before its first step or in it. On JAX, a step is given the values of all metrics' variables.
    Elsewhere, optimizers beside the one that the model is compiled with are built when they are first used."""
    import keras

    if keras.backend.backend() == "jax":
        model._symbolic_build(data_batch=_packed(models.tensors(rows)))  # private: `fit` does it so
    elif any(not one.built for one in optimizers.others(model).values()):
        with _handing(model, lambda handed: None):
            model.train_step(_packed(models.tensors(rows)))


def taken(
    model: Any, given: Mapping[str, Any], begin: Begin, programs: Programs, key: Hashable, updates: Sequence[Updated]
) -> tuple[Any, Handed | None]:
    """Takes the step on what is given, with what the first `updates` have come to in their places. Metrics begin anew. With
    `programs`, JAX compiles the whole once for each `key`.

    Returns (None, what it hands over) where it hands over gradients once more: the model is as it was then. Otherwise it is
    taken to its end: (the loss that it reports, a scalar or None; None).

    Raises:
        Unsupported: it never hands gradients to an optimizer of the model, or not those of what is trained.
    """
    import keras

    model.reset_metrics()
    models.forget_gradients(model)
    take = _stateless if keras.backend.backend() == "jax" else _eager
    loss, handed = take(model, given, begin, programs, key, updates)
    if handed is None and not updates:
        raise Unsupported(f"{OWN_STEP}, which never hands gradients to an optimizer of the model: this is not emulated")
    return loss, handed


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


def _eager(
    model: Any, given: Mapping[str, Any], begin: Begin, programs: Programs, key: Hashable, updates: Sequence[Updated]
) -> tuple[Any, Handed | None]:
    known = list(updates)

    def hand(handed: Handed) -> None:
        if not known:
            raise _Stopped(handed)
        restore(model, known.pop(0))

    with _handing(model, hand):
        try:
            return _loss(model.train_step(_packed(begin(given)))), None
        except _Stopped as stopped:
            return None, stopped.handed


@contextmanager
def _handing(model: Any, hand: Callable[[Handed], None]) -> Iterator[None]:
    """While this is entered, `hand` gets what the model's optimizers would apply."""
    with ExitStack() as stack:
        for one in optimizers.every(model):
            stack.enter_context(_instead(one, "apply", _apply(model, one, hand)))
        yield


def _apply(model: Any, optimizer: Any, hand: Callable[[Handed], None]) -> Callable[..., None]:
    def apply(grads: Sequence[Any], trainable_variables: Any = None) -> None:
        # Without variables, it is those that the optimizer was built for: the model's own, for all that is trained.
        own = model.trainable_variables if optimizer is model.optimizer else optimizer._trainable_variables
        variables = _of_model(model, own if trainable_variables is None else trainable_variables, grads)
        if not optimizer.built:
            optimizer.build(variables)
        scale = float(optimizer.scale_loss(1.0))  # which the update takes out again, and is given back there
        gradients = [changed(_copy(one), lambda value: value / scale) if scale != 1.0 else _copy(one) for one in grads]
        hand(Handed(optimizer=optimizer, variables=variables, gradients=gradients))

    return apply


def _stateless(
    model: Any, given: Mapping[str, Any], begin: Begin, programs: Programs, key: Hashable, updates: Sequence[Updated]
) -> tuple[Any, Handed | None]:
    """As one program, whatever the values after updates are. It has no use for those that are not known yet."""
    variables = (
        list(model.trainable_variables),
        list(model.non_trainable_variables),
        list(model.optimizer.variables),
        list(model.metrics_variables),
    )

    def program(state: Any, given: Mapping[str, Any], updates: Sequence[Updated]) -> Any:
        every: list[tuple[Sequence[Any], Any]] = []

        def apply(optimizer_variables: Any, grads: Sequence[Any], trainable_variables: Any) -> Any:
            before = list(trainable_variables), list(optimizer_variables)
            every.append((grads, before))
            return updates[len(every) - 1] if len(every) <= len(updates) else before

        with _instead(model.optimizer, "stateless_apply", apply):
            logs, left = model.train_step(state, _packed(begin(given)))
        return _loss(logs), every, left

    state = tuple([variable.value for variable in part] for part in variables)
    known = list(updates) or [updated(model)]  # so that the step of one update is one program before it and after
    loss, every, left = programs.made(("own step", key), lambda: program)(state, given, known)
    for part, values in zip(variables, left, strict=True):
        for variable, value in zip(part, values, strict=True):
            variable.assign(value)
    if len(every) <= len(updates):
        return loss, None
    gradients, before = every[len(updates)]
    restore(model, before)
    scale = float(model.optimizer.scale_loss(1.0))
    scaled = [changed(one, lambda value: value / scale) if scale != 1.0 else one for one in gradients]
    trained = _of_model(model, model.trainable_variables, gradients)
    return None, Handed(optimizer=model.optimizer, variables=trained, gradients=scaled)


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


def _of_model(model: Any, given: Sequence[Any], gradients: Sequence[Any]) -> list[Any]:
    """The Keras variables of these, which may be a backend's own, as far as the model trains them."""
    known = {id(one): variable for variable in model.trainable_variables for one in (variable, variable.value)}
    if len(given) != len(gradients) or any(id(one) not in known for one in given):
        raise Unsupported(
            f"{OWN_STEP}, which hands over gradients of other variables than are trained: this is not emulated"
        )
    return [known[id(one)] for one in given]


def _copy(gradient: Any) -> Any:
    """Of a dense one on torch, where a step may add to it again."""
    return gradient.detach().clone() if hasattr(gradient, "detach") else gradient


def _loss(logs: Any) -> Any:
    return logs.get("loss") if isinstance(logs, Mapping) else None


def _packed(rows: Mapping[str, Any]) -> Any:
    """The rows as `fit` gives them to a training step."""
    import keras

    return keras.utils.pack_x_y_sample_weight(rows["x"], rows.get("y"), rows.get("sample_weight"))
