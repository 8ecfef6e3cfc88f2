"""Single calls of layers, losses and optimizers, recorded to be held against their independent definitions."""

from __future__ import annotations

from dataclasses import dataclass

LOSS = "loss"  # a kind of record, and the name of what calls the operations of a loss
OPERATION = "operation"  # a kind of record: a call of an operation that a functional model holds beside its layers
ASSIGNMENT = "assignment"  # a kind of record: what a layer assigns to its trained weights, and what `fit` keeps of it


@dataclass(frozen=True, kw_only=True)
class RecordedCall:
    """One call in a training step from a common state, or where the model predicts or evaluates (`training` is false
    then). Its arrays are in the part of that state.

    `kind`: "layer", "operation", "loss", "regularizer", "update" or "assignment". `name`: the layer's or operation's path
    ("block/conv", "block/conv#2" when called again), the loss's place, the regularized weight's name, or "optimizer". `of`:
    the name of its class. `config`, `arguments`: JSON. `reason`: why it was not recorded, or has no gradient; empty if it is
    whole. `own`: whether it is a class of Keras itself, and not the user's.
    `inside`: of an operation, the path of the layer that calls it, or "loss"; empty where the model itself does.
    `rows`: of an update, the variables whose gradients came by rows of a table. `epsilon`: of Keras's configuration.
    """

    state: str
    kind: str
    name: str
    of: str
    config: str = "{}"
    arguments: str = "{}"
    training: bool = True
    iteration: int = 0
    learning_rate: float = 0.0
    own: bool = True
    rows: tuple[str, ...] = ()
    epsilon: float = 1e-7
    inside: str = ""
    reason: str = ""
