"""From the gradients of replicas to the update: reduction and clipping by their definitions, the update by Keras's own
optimizer, each departing as an executable hypothesis says."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.records import Deviation, Semantics
from suite.runner import keras_versions, models, optimizers
from suite.runner.oracle.gradients import changed, total
from suite.runner.oracle.programs import Programs
from suite.runner.outcome import Unsupported

Gradients = Sequence[Any]  # a tensor for each variable, in their order; None where the loss does not depend on it
Updated = tuple[list[np.ndarray], list[np.ndarray]]  # the values of what is trained, and of the optimizers' variables
CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
RATE = "_get_current_learning_rate"


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What a training step hands to an optimizer: gradients of these Keras variables."""

    optimizer: Any
    variables: list[Any]
    gradients: list[Any]


def updated(model: Any) -> Updated:
    """What updates change, as it is now."""
    slots = [variable for one in optimizers.every(model) for variable in one.variables]
    trained, held = ([np.array(one.numpy()) for one in variables] for variables in (model.trainable_variables, slots))
    return trained, held


def restore(model: Any, values: Updated) -> None:
    """Has what updates change as it was."""
    slots = [variable for one in optimizers.every(model) for variable in one.variables]
    for variable, value in zip([*model.trainable_variables, *slots], [*values[0], *values[1]], strict=True):
        variable.assign(value)


def in_order(model: Any, handed: Sequence[Handed]) -> list[Any]:
    """For each trained variable of the model the last gradient of it, or None."""
    found = {id(variable): one for each in handed for variable, one in zip(each.variables, each.gradients, strict=True)}
    return [found.get(id(variable)) for variable in model.trainable_variables]


def reduced(gradients: Sequence[Gradients], sizes: Sequence[float], semantics: Semantics, deviation: Deviation) -> list[Any]:
    """One gradient for all replicas. `gradients`: of each pass; `sizes`: its rows."""
    weights = [1.0 / len(sizes)] * len(sizes)
    if semantics.gradients == "sum of replica shares":
        weights = [1.0] * len(sizes)
    elif semantics.gradients == "global batch":
        weights = [size / sum(sizes) for size in sizes]
    if deviation.reduction == "sum":
        weights = [1.0] * len(sizes)
    elif deviation.reduction == "first":
        weights = [1.0] + [0.0] * (len(sizes) - 1)
    factors = [weight * deviation.gradient_scale for weight in weights]
    weighted = (_scaled(parts, factor) for parts, factor in zip(gradients, factors, strict=True))
    return [total(parts) for parts in zip(*weighted, strict=True)]


def clipped(optimizer: Any, gradients: Sequence[Gradients], deviation: Deviation) -> Sequence[Gradients]:
    """Each replica's gradient as it enters the reduction: where it is clipped here, the optimizer does not clip again.

    Raises:
        Unsupported: several optimizers share the variables.
    """
    if not deviation.clipping.startswith("per replica"):
        return gradients
    inside = optimizers.leaves(optimizer)
    if len(inside) > 1:
        raise Unsupported("clipping on each replica is not emulated where several optimizers share the variables")
    share = len(gradients) if deviation.clipping == "per replica, divided" else 1
    return [_scaled(inside[0]._clip_gradients(_scaled(replica, 1 / share)), share) for replica in gradients]


def _scaled(gradients: Gradients, factor: float) -> list[Any]:
    return [one if factor == 1.0 else changed(one, lambda value: factor * value) for one in gradients]


def apply(model: Any, handed: Handed, deviation: Deviation, programs: Programs) -> None:
    """One update of the model. Without trained variables `fit` does none."""
    optimizer, trained = handed.optimizer, handed.variables
    if not trained:
        return
    variables = models.variables(model)
    if deviation.slots == "forgotten":
        for name, variable in optimizers.slots(model).items():
            if variables.get(name.rpartition("/")[0]) is not None:
                variable.assign(np.zeros(variable.shape))
    before = {name: np.array(variables[name].numpy()) for name in deviation.untrained}
    with _counting(optimizer, deviation.iteration), constants(optimizer, deviation):
        # `fit` scales the loss, and the optimizer takes the scale out of the gradients again.
        key = (deviation, id(optimizer), tuple(map(id, trained)))
        update = programs.made(key, lambda: optimizer.stateless_apply)
        optimizers.apply(optimizer, [changed(one, optimizer.scale_loss) for one in handed.gradients], trained, update)
    for name in deviation.untrained:
        variables[name].assign(before[name])


@contextlib.contextmanager
def _counting(optimizer: Any, ahead: int) -> Iterator[None]:
    """While this is entered, so many steps more are counted."""
    counters = [keras_versions.iterations(one) for one in optimizers.leaves(optimizer)]
    for counter in counters:
        counter.assign_add(ahead)
    yield
    for counter in counters:
        counter.assign_sub(ahead)


@contextlib.contextmanager
def constants(optimizer: Any, deviation: Deviation) -> Iterator[None]:
    """The optimizer, or those inside it, with the deviation's constants, and back."""
    with contextlib.ExitStack() as stack:
        for one in optimizers.leaves(optimizer):
            stack.enter_context(_constants_of(one, deviation))
        yield


@contextlib.contextmanager
def _constants_of(optimizer: Any, deviation: Deviation) -> Iterator[None]:
    changed: dict[str, Any] = {name: value for name, value in deviation.optimizer if hasattr(optimizer, name)}
    if deviation.clipping != "declared":
        changed |= dict.fromkeys(CLIPPING)
    if deviation.weight_decay != 1.0 and optimizer.weight_decay is not None:
        changed["weight_decay"] = optimizer.weight_decay * deviation.weight_decay
    before = {name: getattr(optimizer, name) for name in changed}
    for name, value in changed.items():
        setattr(optimizer, name, value)
    # Private: the one place that a constant and a schedule share. Straight into the instance: Keras tracks attributes.
    own, current = optimizer.__dict__.get(RATE), getattr(optimizer, RATE)
    optimizer.__dict__[RATE] = lambda: deviation.learning_rate * current()
    yield
    del optimizer.__dict__[RATE]
    if own is not None:  # somebody has put one there before
        optimizer.__dict__[RATE] = own
    for name, value in before.items():
        setattr(optimizer, name, value)
