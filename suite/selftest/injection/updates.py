"""Faults of the optimizer that a scenario asks for, and of nothing else: a probe with an optimizer of its own is not
touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from suite.selftest.injection.site import Injection, Site

CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")


def _tampered(tamper: Callable[[Any], None]) -> Injection:
    """`tamper(optimizer)` when the model is compiled for the first time. Its configuration still says what was asked for."""

    def inject(site: Site) -> None:
        import keras

        # Where Keras defines it: a model of a class with its own `compile` is not compiled when it is loaded.
        owner = next(one for one in keras.Model.__mro__ if "compile" in vars(one))
        compile_model = owner.compile
        tampered = False

        def compiled(self: Any, optimizer: Any = "rmsprop", *args: Any, **kwargs: Any) -> Any:
            nonlocal tampered
            if not tampered:
                tampered = True
                configuration = optimizer.get_config()
                tamper(optimizer)
                optimizer.__dict__["get_config"] = lambda: configuration
            return compile_model(self, optimizer, *args, **kwargs)

        owner.compile = compiled

    return inject


def _constant(name: str, change: Callable[[float], object]) -> Injection:
    return _tampered(lambda optimizer: setattr(optimizer, name, change(getattr(optimizer, name))))


def _learning_rate(change: Callable[[Any, Any], Any]) -> Injection:
    """The optimizer's learning rate, for its step and its weight decay, is `change(optimizer, learning rate)`."""

    def tamper(optimizer: Any) -> None:
        current = optimizer._get_current_learning_rate
        # Straight into the instance: Keras tracks what is set as an attribute.
        optimizer.__dict__["_get_current_learning_rate"] = lambda: change(optimizer, current())

    return _tampered(tamper)


def _step_size(change: Callable[[Any, Any], Any]) -> Injection:
    """The step alone is made with `change(optimizer, learning rate)`."""

    def tamper(optimizer: Any) -> None:
        step = optimizer._backend_update_step

        def stepped(grads: Any, variables: Any, learning_rate: Any) -> Any:
            return step(grads, variables, change(optimizer, learning_rate))

        optimizer.__dict__["_backend_update_step"] = stepped

    return _tampered(tamper)


def _one_late(optimizer: Any, learning_rate: Any) -> Any:
    return optimizer._learning_rate(optimizer.iterations + 1)


def _uncorrected(optimizer: Any, learning_rate: Any) -> Any:
    """Undoes Adam's correction of its moments' bias, which is a factor on the learning rate."""
    from keras import ops

    dtype = optimizer.variables[-1].dtype
    step = ops.cast(optimizer.iterations + 1, dtype)
    first, second = (1.0 - ops.power(ops.cast(one, dtype), step) for one in (optimizer.beta_1, optimizer.beta_2))
    return ops.cast(learning_rate, dtype) * first / ops.sqrt(second)


def _forgets(optimizer: Any) -> None:
    """Momenta are zero before each update."""
    if hasattr(optimizer, "_parallel_update_step"):
        step = optimizer._parallel_update_step

        def parallel(grads: Any, variables: Any, learning_rate: Any) -> Any:
            for slot in optimizer.momentums:
                slot.value.zero_()
            return step(grads, variables, learning_rate)

        optimizer.__dict__["_parallel_update_step"] = parallel
        return
    each = optimizer.update_step

    def alone(gradient: Any, variable: Any, learning_rate: Any) -> Any:
        slot = optimizer.momentums[optimizer._get_variable_index(variable)]
        optimizer.assign(slot, slot * 0.0)
        return each(gradient, variable, learning_rate)

    optimizer.__dict__["update_step"] = alone


def _never_moves(tensor: str) -> Injection:
    """The optimizer keeps slots for a tensor and never writes the tensor."""
    return lambda site: _tampered(lambda optimizer: _never_write(optimizer, site.target or tensor))(site)


def _never_write(optimizer: Any, name: str) -> None:
    if hasattr(optimizer, "_parallel_update_step"):
        _put_back(optimizer, name)
        return

    def target(variable: Any) -> bool:
        owners = [one for one in optimizer._trainable_variables if Site.is_named(one, name)]
        # In an update of MirroredStrategy a variable is one replica's part of the mirrored one.
        return any(variable is one or optimizer._var_key(variable) == optimizer._var_key(one) for one in owners)

    for writing in ("assign", "assign_add", "assign_sub"):
        write = getattr(optimizer, writing)

        def unless(variable: Any, value: Any, write: Callable[[Any, Any], None] = write) -> None:
            if not target(variable):
                write(variable, value)

        optimizer.__dict__[writing] = unless


def _put_back(optimizer: Any, name: str) -> None:
    step = optimizer._backend_update_step

    def stepped(grads: Any, variables: Sequence[Any], learning_rate: Any) -> Any:
        kept = [(one, one.value.detach().clone()) for one in variables if Site.is_named(one, name)]
        step(grads, variables, learning_rate)
        for variable, value in kept:
            variable.value.detach().copy_(value)

    optimizer.__dict__["_backend_update_step"] = stepped


def _unclipped(optimizer: Any) -> None:
    for name in CLIPPING:
        setattr(optimizer, name, None)


INJECTIONS: dict[str, Injection] = {
    "learning-rate": _learning_rate(lambda optimizer, rate: rate * (1.0 + 2.0**-10)),
    "learning-rate-of-momentum": _learning_rate(lambda optimizer, rate: rate * (1.0 + 2.0**-10)),
    "schedule-offset": _learning_rate(_one_late),
    "adam-epsilon": _constant("epsilon", lambda own: own * 0.125),
    "adam-beta-2": _constant("beta_2", lambda own: 1.0 - 8.0 * (1.0 - own)),
    "adam-bias-correction": _step_size(_uncorrected),
    "nesterov": _constant("nesterov", lambda own: True),
    "slots-forgotten": _tampered(_forgets),
    "weight-decay-twice": _constant("weight_decay", lambda own: 2.0 * own),
    "weight-decay-missing": _constant("weight_decay", lambda own: None),
    "clipping-missing": _tampered(_unclipped),
    "gamma-untrained": _never_moves("norm/gamma"),
    "output-bias-untrained": _never_moves("output/bias"),
}
