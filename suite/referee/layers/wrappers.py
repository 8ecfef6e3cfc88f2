"""Definitions of the layers that apply another layer to a sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from suite.referee.activations import Floats
from suite.referee.definition import Answer, Array, Call, Definition
from suite.referee.layers.masks import mask_of
from suite.referee.layers.nested import below, inside

MERGE: Mapping[str | None, Callable[[Floats, Floats], tuple[Floats, ...]]] = {
    "concat": lambda forward, backward: (np.concatenate([forward, backward], axis=-1),),
    "sum": lambda forward, backward: (forward + backward,),
    "ave": lambda forward, backward: ((forward + backward) / 2.0,),
    "mul": lambda forward, backward: (forward * backward,),
    None: lambda forward, backward: (forward, backward),
}


def bidirectional(asked: Call) -> Answer:
    """The forward and the backward layer, each applied to the whole sequence and merged: concat (along the last axis), sum,
    ave, mul, or both (None).

    With return_sequences, the backward layer's outputs are brought into the order of time first, and both layers have
    zero_output_for_mask. The first half of initial_state is the forward layer's. The states follow the output: those of the
    forward layer, then those of the backward one. Source: Schuster and Paliwal 1997; Keras, Bidirectional layer.
    """
    config = asked.config
    given = asked.arguments.get("initial_state")
    halves = (None, None) if given is None else (given[: len(given) // 2], given[len(given) // 2 :])
    answers = [_direction(asked, config[key], half) for key, half in zip(("layer", "backward_layer"), halves, strict=True)]
    forward, backward = answers[0].outputs, answers[1].outputs
    in_time = np.flip(backward[0], axis=1) if config["layer"]["config"]["return_sequences"] else backward[0]
    merged = MERGE[config["merge_mode"]](forward[0], in_time)
    return Answer(outputs=(*merged, *forward[1:], *backward[1:]))


def _direction(asked: Call, serialized: Mapping[str, Any], initial_state: Any) -> Answer:
    mask = mask_of(asked)
    return inside(
        asked,
        serialized,
        asked.inputs[:1],
        config={**serialized["config"], "zero_output_for_mask": serialized["config"]["return_sequences"]},
        masks=() if mask is None else (mask,),
        arguments={} if initial_state is None else {"initial_state": initial_state},
    )


def time_distributed(asked: Call) -> Answer:
    """The layer applied to each step alone, with the same weights: out[:, t] = layer(x[:, t]).

    The steps are taken in order, so that what one step leaves in the layer's state, the next one finds. The layer gets each
    step's mask. Source: Keras, TimeDistributed layer.
    """
    serialized, (x,), mask = asked.config["layer"], asked.inputs, mask_of(asked)
    name = serialized["config"]["name"]
    outputs: list[Array] = []
    state: dict[str, Array] = {}
    for step in range(x.shape[1]):
        answer = inside(
            asked,
            serialized,
            (x[:, step],),
            weights=below({**asked.weights, **state}, name),
            masks=() if mask is None else (mask[:, step],),
        )
        outputs.append(answer.outputs[0])
        state |= answer.state
    return Answer(outputs=(np.stack(outputs, axis=1),), state=state)


LAYERS: Mapping[str, Definition] = {"Bidirectional": bidirectional, "TimeDistributed": time_distributed}
