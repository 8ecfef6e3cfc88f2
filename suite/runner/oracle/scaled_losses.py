"""Losses as Keras scales them under `tf.distribute`: means count as parts of one mean over all replicas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from suite.runner.outcome import Unsupported

SCALE = "scale_loss_for_distribution"
FACTORS = {SCALE: -1, "unscale_loss_for_distribution": 1}  # powers of the number of replicas
ONE_NUMBER = ("dice", "tversky")  # losses that are means, and one number for a batch
SUMS = ("sum", "none", None)


@contextmanager
def one_of(replicas: int, *, undivided: bool = False) -> Iterator[None]:
    """While this is entered, Keras divides every loss that is a mean, and every penalty of a layer where its backend does,
    by the number of replicas, as on one of so many replicas. A loss that is a sum stays as it is. Where Keras counts the
    loss of one output, it multiplies by the number again. `undivided`: as in a `Deviation`; Keras leaves these out by
    itself (known defect K-62), so here they are divided.

    Raises:
        Unsupported: this version of Keras scales losses elsewhere.
    """
    from keras.src.losses import loss, losses  # private: the one place through which Keras scales losses

    own = [name for name in FACTORS if hasattr(loss, name)]
    if SCALE not in own:
        raise Unsupported("no oracle: this version of Keras scales the losses of replicas in a place that is not known")
    with ExitStack() as entered:
        for name in own:
            factor = float(replicas) ** FACTORS[name]
            _set(entered, loss, name, lambda value, factor=factor: value * factor)
        if not undivided:
            functions = [getattr(losses, name, None) for name in ONE_NUMBER]
            wrapper = losses.LossFunctionWrapper
            _set(entered, wrapper, "call", _divided(wrapper.call, functions, replicas))
        yield


def _set(entered: ExitStack, thing: Any, name: str, value: Any) -> None:
    """Until the stack is left."""
    entered.callback(setattr, thing, name, getattr(thing, name))
    setattr(thing, name, value)


def _divided(call: Any, functions: list[Any], replicas: int) -> Any:
    """A loss's `call` that divides what one of these functions returns, where that is one number and a mean."""

    def divided(self: Any, y_true: Any, y_pred: Any) -> Any:
        value = call(self, y_true, y_pred)
        mean = self.reduction not in SUMS and self.fn in functions
        return value / replicas if mean and tuple(value.shape) == () else value

    return divided
