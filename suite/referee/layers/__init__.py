"""The definitions of layers, by the name of their class."""

from __future__ import annotations

from collections.abc import Mapping

from suite.referee.definition import Answer, Call, Definition, Undefined
from suite.referee.layers import (
    activations,
    attention,
    augmentation,
    cells,
    merging,
    preprocessing,
    recurrent,
    regularization,
    wrappers,
)

LAYERS: Mapping[str, Definition] = {
    **activations.LAYERS,
    **attention.LAYERS,
    **augmentation.LAYERS,
    **cells.LAYERS,
    **merging.LAYERS,
    **preprocessing.LAYERS,
    **recurrent.LAYERS,
    **regularization.LAYERS,
    **wrappers.LAYERS,
}


def call(asked: Call) -> Answer:
    """What the layer must give.

    Raises:
        Undefined: there is no definition of this layer, or none of this call of it.
    """
    definition = LAYERS.get(asked.layer)
    if definition is None:
        raise Undefined(f"there is no independent definition of {asked.layer}")
    return definition(asked)
