"""What a model is beyond its variables: what it evaluates to, what it was compiled with, and how its training goes on.

A live model and the one that is loaded from its file leave the same parts here. So what saving loses shows where it acts,
also if no variable differs: a loss without its arguments, an optimizer that begins anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from suite.artifacts import names, rows
from suite.artifacts.artifact import Recording
from suite.records import Scenario
from suite.runner import keras_versions, loss_steps, memory, models, optimizers, python_state

Arrays = dict[str, np.ndarray]

STEPS = 2  # of training, beyond the saved file: the second one starts from slots that the first one has moved
ARGUMENTS = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")  # of `compile`
LENGTH = 4096  # bytes of the text of one argument: a shorter text ends in zeros, a longer one in its hash
DEPTH = 6  # of what is described in an argument
UNTOLD = "built"  # an attribute that says nothing of what an object computes


def record(
    recorded: Recording, model: Any, scenario: Scenario, data: Mapping[str, np.ndarray], done: int, *, anew: bool = False
) -> str:
    """Adds the parts "resumed" and "resumed-optimizer" of a compiled model on one device that was trained for `done` steps;
    with `anew`, "resumed-anew", too: after the same steps, compiled anew as those of a loaded model are. Why they are not
    there; empty if they are."""
    state = models.variables(model) | optimizers.slots(model)
    before, in_python = models.read(state), python_state.held(model)
    try:
        _go_on(model, scenario, data, done)
    except Exception as error:  # whatever a user's model does here must not cost what is known of it already
        return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
    recorded.add(names.RESUMED, models.read(models.variables(model)))
    recorded.add(names.RESUMED_OPTIMIZER, models.read(optimizers.slots(model)))
    if anew:
        with suppress(Exception):  # as above: then it is not known whether this is a reason
            models.write(state, before)
            python_state.put_back(in_python)
            model.train_function = None
            keras_versions.trace_anew()
            _go_on(model, scenario, data, done)
            recorded.add(names.RESUMED_ANEW, models.read(models.variables(model)))
    return ""


def tell_compiled(recorded: Recording, model: Any) -> str:
    """Adds the part "compiled". Why it is not there; empty if it is."""
    try:
        recorded.add(names.COMPILED, compiled(model))
    except Exception as error:  # as in `record`
        return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
    return ""


def _go_on(model: Any, scenario: Scenario, data: Mapping[str, np.ndarray], done: int) -> None:
    """Trains for some steps more, on the rows that come next. No file holds what layers keep from batch to batch."""
    memory.forget(models.layers_of(model))
    first = done * scenario.batch
    order = np.arange(first, first + STEPS * scenario.steps_per_execution * scenario.batch) % rows.count(data)
    model.fit(**models.training(data, order), batch_size=scenario.batch, epochs=1, shuffle=False, verbose=0)


def compiled(model: Any) -> Arrays:
    """What the model was compiled with: the text of each argument of `compile`, uint8 (LENGTH,)."""
    held = keras_versions.configuration(model)
    told = {name: described({**held, "optimizer": model.optimizer}.get(name)) for name in ARGUMENTS}
    told["optimizer"][optimizers.UNDECAYED] = optimizers.undecayed(model)
    return {name: as_bytes(json.dumps(one, sort_keys=True)) for name, one in told.items()}


def described(value: Any, depth: int = DEPTH) -> Any:
    """A value as JSON can hold it: an object by its class, its configuration and its plain attributes, a function by its
    name, and an array or a variable by its shape alone."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if depth == 0:
        return "…"
    if isinstance(value, Mapping):
        return {str(name): described(one, depth - 1) for name, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [described(one, depth - 1) for one in value]
    if hasattr(value, "shape"):
        return {"shape": list(value.shape)} if len(value.shape) else float(value)
    if isinstance(value, type) or not hasattr(value, "get_config"):
        return getattr(value, "__name__", type(value).__name__)
    return {"class": type(value).__name__, **described(_held(value), depth)}


def _held(value: Any) -> dict[str, Any]:
    """The configuration of an object that has one, and its plain attributes, which a configuration may leave out."""
    plain = {
        name: one
        for name, one in vars(value).items()
        if not name.startswith("_") and name != UNTOLD and isinstance(one, bool | int | float | str)
    }
    return {**plain, **loss_steps.wrapped(value), **value.get_config()}


def as_bytes(text: str) -> np.ndarray:
    """The text as uint8 (LENGTH,)."""
    whole = text.encode()
    if len(whole) > LENGTH:
        mark = hashlib.sha256(whole).hexdigest().encode()
        whole = whole[: LENGTH - len(mark)] + mark
    return np.frombuffer(whole.ljust(LENGTH, b"\0"), np.uint8)
