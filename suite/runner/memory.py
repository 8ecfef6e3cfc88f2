"""What layers keep from one batch to the next, as recurrent ones do with `stateful`.

It belongs to places in a batch, no file holds it, and Keras counts it among no variables of the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from suite.records import MEMORY, MEMORY_LOST
from suite.runner import keras_versions

IN_PLACE = "modified by an inplace operation"  # what torch says of a value that a gradient still needs


def keeping(layers: Iterable[Any]) -> list[Any]:
    """Those of the layers that keep something."""
    return [layer for layer in layers if getattr(layer, "stateful", False) and hasattr(layer, "reset_state")]


def forget(layers: Iterable[Any]) -> None:
    """What the layers keep begins anew."""
    for layer in keeping(layers):
        layer.reset_state()


@contextmanager
def explained(layers: Iterable[Any]) -> Iterator[None]:
    """Around training: where torch refuses it for what a layer keeps, says by which layer and what avoids it."""
    try:
        yield
    except RuntimeError as error:
        names = ", ".join(layer.name for layer in keeping(layers))
        if not names or IN_PLACE not in str(error):
            raise
        raise RuntimeError(
            f"torch cannot train {names}: while a gradient still needs the state that a stateful layer keeps, Keras changes "
            "it in place (known defect K-58). use_cudnn=False avoids it"
        ) from error


def states(layer: Any) -> list[Any]:
    """The variables in which a layer keeps it."""
    return [one for one in keras_versions.tree().flatten(getattr(layer, "states", None) or ()) if hasattr(one, "assign")]


def facts(layers: Iterable[Any], unmoved: Iterable[str] = ()) -> dict[str, str]:
    """The facts of a model that was trained: the names of layers that have kept something; of those that should have, and
    of variables that the model does not know of and that are `unmoved`. None of a model without such."""
    keep = {layer.name: any(one.numpy().any() for one in states(layer)) for layer in keeping(layers) if states(layer)}
    lost = [*(name for name, kept in keep.items() if not kept), *unmoved]
    found = {MEMORY: [name for name, kept in keep.items() if kept], MEMORY_LOST: lost}
    return {fact: ", ".join(sorted(names)) for fact, names in found.items() if names}
