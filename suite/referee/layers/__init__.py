"""The definitions of layers and regularizers, by the name of their class, and of functions of `keras.ops`, by theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from suite.referee.definition import Answer, Call, Definition, Undefined
from suite.referee.layers import (
    activations,
    attention,
    augmentation,
    cells,
    containers,
    convolution,
    dense,
    merging,
    normalization,
    operations,
    pooling,
    preprocessing,
    recurrent,
    regularization,
    regularizers,
    reshaping,
    resizing,
    wrappers,
)

LAYERS: Mapping[str, Definition] = {
    **activations.LAYERS,
    **attention.LAYERS,
    **augmentation.LAYERS,
    **cells.LAYERS,
    **containers.LAYERS,
    **convolution.LAYERS,
    **dense.LAYERS,
    **merging.LAYERS,
    **normalization.LAYERS,
    **pooling.LAYERS,
    **preprocessing.LAYERS,
    **recurrent.LAYERS,
    **regularization.LAYERS,
    **reshaping.LAYERS,
    **resizing.LAYERS,
    **wrappers.LAYERS,
}

# Where a layer's gradient takes some of what it computes as constant: the definition with these held as at a call.
HELD: Mapping[str, Callable[[Call], Definition]] = {**normalization.HELD, **preprocessing.HELD}


def call(asked: Call) -> Answer:
    """What the layer must give.

    Raises:
        Undefined: there is no definition of this layer, or none of this call of it.
    """
    tables = (LAYERS, regularizers.REGULARIZERS, operations.OPERATIONS)
    definition = next((table[asked.layer] for table in tables if asked.layer in table), None)
    if definition is None:
        raise Undefined(f"there is no independent definition of {asked.layer}")
    return definition(asked)


def differentiable(asked: Call) -> Definition:
    """The function whose derivative at this call is the layer's gradient.

    It is the definition itself, unless the gradient takes some of what the layer computes as constant.
    """
    return HELD[asked.layer](asked) if asked.layer in HELD else call
