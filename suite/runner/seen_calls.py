"""The calls of layers, operations and losses as they happen in a pass, with the numbers that go into them."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from suite.records import LOSS
from suite.runner import keras_versions, models
from suite.runner.differentiation import array
from suite.runner.layer_calls import layer_calls, name_of_call
from suite.runner.operation_calls import MOST, function_of, operation_calls


@dataclass(kw_only=True)
class Seen:
    """One call as it happened: of a layer or an operation, its name and arguments; of a loss, its targets and predictions,
    and its value, which may come from more than the numbers that it was given (from the logits that TensorFlow keeps of
    probabilities). `function`: of an operation, the name of the function of `keras.ops`; `inside`: the layer that calls it.
    """

    of: Any
    name: str
    inputs: tuple[Any, ...]
    masks: tuple[Any, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    value: np.ndarray | None = None
    function: str = ""
    inside: str = ""


@contextmanager
def layers_seen(model: Any, seen: list[Seen]) -> Iterator[None]:
    """While this is entered, the calls of layers, and of operations in a functional model's graph, that are not inside
    another layer are added to `seen`, in their order. So are calls of `keras.ops` on numbers by code that is not Keras's
    own, after the layer that they are inside: the first `MOST` in all."""
    import keras

    paths = models.layer_paths(model)
    entered, named = list[str](), _Names()

    def called(layer: Any, proceed: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        path = paths.get(id(layer))
        if isinstance(layer, keras.Model) or path is None:
            return proceed(layer, *args, **kwargs)
        if not entered and not isinstance(layer, keras.layers.InputLayer):
            seen.append(_seen(layer, named.next(path), args, kwargs))
        entered.append(path)
        try:
            return proceed(layer, *args, **kwargs)
        finally:
            entered.pop()

    with layer_calls(called), _operations_seen(seen, named, lambda: entered[-1] if entered else ""):
        yield


@contextmanager
def operations_of_loss_seen(seen: list[Seen]) -> Iterator[None]:
    """While this is entered, calls of `keras.ops` by code that is not Keras's own are added to `seen`, as of the loss."""
    with _operations_seen(seen, _Names(), lambda: LOSS):
        yield


class _Names:
    """The names of calls, in their order."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def next(self, path: str) -> str:
        count = self._counts[path] = self._counts.get(path, 0) + 1
        return name_of_call(path, count)


@contextmanager
def _operations_seen(seen: list[Seen], named: _Names, inside: Callable[[], str]) -> Iterator[None]:
    """`inside`: tells what calls operations now."""
    count = 0

    def computed(name: str, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        nonlocal count
        if count < MOST:
            with contextlib.suppress(Exception):  # what is traced holds no numbers
                call = _seen(function, "", args, kwargs)
                path = f"{inside()}/{name}".lstrip("/")
                seen.append(replace(call, name=named.next(path), function=name, inside=inside()))
                count += 1
        return function(*args, **kwargs)

    with operation_calls(computed):
        yield


def _seen(layer: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Seen:
    import keras

    tree = keras_versions.tree()

    def plain(value: Any) -> Any:
        return array(value) if keras.ops.is_tensor(value) or keras_versions.is_variable(value) else value

    masks = [getattr(value, "_keras_mask", None) for value in tree.flatten(args) if value is not None]
    given = {key: value for key, value in kwargs.items() if value is not None or _is_meant(layer, key)}
    arguments = {key: value for key, value in given.items() if key not in ("training", "mask")}
    return Seen(
        of=layer,
        name=name,
        inputs=tree.map_structure(plain, args),
        masks=tuple(None if mask is None else array(mask) for mask in masks),
        arguments=tree.map_structure(plain, arguments),
        function=function_of(layer) if isinstance(layer, keras.Operation) and not isinstance(layer, keras.Layer) else "",
    )


def _is_meant(function: Any, name: str) -> bool:
    """Whether None says something else than leaving an argument out: `stft(window=None)` has no window, and "hann" is what
    it has by itself."""
    taken = inspect.signature(function).parameters if inspect.isfunction(function) else {}
    return name in taken and taken[name].default is not None


@contextmanager
def losses_seen(seen: list[Seen]) -> Iterator[None]:
    """While this is entered, the calls of losses are added to `seen`."""
    import keras

    original = keras.Loss.__call__

    def called(loss: Any, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        weight = None if sample_weight is None else array(sample_weight)
        mask = getattr(y_pred, "_keras_mask", None)
        predicted = keras.ops.stop_gradient(y_pred)
        inputs = array(y_true), array(predicted), weight, None if mask is None else array(mask)
        value = original(loss, y_true, y_pred, sample_weight=sample_weight)
        name = f"loss {len(seen) + 1}" if seen else "loss"
        seen.append(Seen(of=loss, name=name, inputs=inputs, value=array(keras.ops.stop_gradient(value))))
        return value

    keras.Loss.__call__ = called
    try:
        yield
    finally:
        keras.Loss.__call__ = original
