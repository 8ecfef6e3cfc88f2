"""Cross-entropies that do not keep probabilities away from 0 and 1: what they are when they are computed from logits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from suite.runner import keras_versions

NAMES = ("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy")
SMALLEST = 1e-300  # still a float64; its logarithm is finite


@contextmanager
def unclipped() -> Iterator[None]:
    """While this is entered."""
    own = unclip()
    try:
        yield
    finally:
        _put(own)


def unclip() -> dict[str, Callable[..., Any]]:
    """From now on; the functions that were replaced. Keras clips probabilities by the epsilon of its configuration,
    which masks and metrics use too: it is replaced inside these functions alone."""
    nn = keras_versions.backend_module("nn")  # private, as is the clipping
    own = {name: getattr(nn, name) for name in NAMES}
    _put({name: _with_epsilon(function) for name, function in own.items()})
    return own


def _put(functions: Mapping[str, Callable[..., Any]]) -> None:
    nn = keras_versions.backend_module("nn")
    for name, function in functions.items():
        setattr(nn, name, function)


def _with_epsilon(function: Callable[..., Any]) -> Callable[..., Any]:
    import keras

    def computed(*args: Any, **kwargs: Any) -> Any:
        before = keras.config.epsilon()
        keras.config.set_epsilon(SMALLEST)
        try:
            return function(*args, **kwargs)
        finally:
            keras.config.set_epsilon(before)

    return computed
