"""Losses as Keras scales them under `tf.distribute`: means count as parts of one mean over all replicas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from suite.runner.outcome import Unsupported

SCALE = "scale_loss_for_distribution"
FACTORS = {SCALE: -1, "unscale_loss_for_distribution": 1}  # powers of the number of replicas


@contextmanager
def one_of(replicas: int) -> Iterator[None]:
    """While this is entered, Keras divides every loss that is a mean, and every penalty of a layer where its backend does,
    by the number of replicas, as on one of so many replicas. A loss that is a sum stays as it is. Where Keras counts the
    loss of one output, it multiplies by the number again.

    Raises:
        Unsupported: this version of Keras scales losses elsewhere.
    """
    from keras.src.losses import loss  # private: the one place through which Keras scales losses

    own = {name: getattr(loss, name) for name in FACTORS if hasattr(loss, name)}
    if SCALE not in own:
        raise Unsupported("no oracle: this version of Keras scales the losses of replicas in a place that is not known")
    for name in own:
        setattr(loss, name, lambda value, factor=float(replicas) ** FACTORS[name]: value * factor)
    try:
        yield
    finally:
        for name, function in own.items():
            setattr(loss, name, function)
