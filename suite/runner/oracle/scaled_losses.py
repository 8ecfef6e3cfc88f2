"""Losses as Keras scales them under `tf.distribute`: means count as parts of one mean over all replicas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from suite.runner.outcome import Unsupported


@contextmanager
def one_of(replicas: int) -> Iterator[None]:
    """While this is entered, Keras divides every loss that is a mean, and every penalty of a layer where its backend does,
    by the number of replicas, as on one of so many replicas. A loss that is a sum stays as it is.

    Raises:
        Unsupported: this version of Keras scales losses elsewhere.
    """
    from keras.src.losses import loss  # private: the one place through which Keras scales losses

    original = getattr(loss, "scale_loss_for_distribution", None)
    if original is None:
        raise Unsupported("no oracle: this version of Keras scales the losses of replicas in a place that is not known")

    def scaled(value: Any) -> Any:
        return value / replicas

    loss.scale_loss_for_distribution = scaled
    try:
        yield
    finally:
        loss.scale_loss_for_distribution = original
