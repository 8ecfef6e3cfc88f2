"""Cross-entropies that do not keep probabilities away from 0 and 1: what they are when they are computed from logits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

NAMES = ("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy")
SMALLEST = 1e-300  # still a float64; its logarithm is finite


@contextmanager
def unclipped() -> Iterator[None]:
    """Keras clips probabilities by the epsilon of its configuration, which masks and metrics use too: it is another one inside
    these functions alone."""
    from keras.src.backend import nn  # private, as is the clipping

    own = {name: getattr(nn, name) for name in NAMES}
    for name, function in own.items():
        setattr(nn, name, _with_epsilon(function))
    try:
        yield
    finally:
        for name, function in own.items():
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
