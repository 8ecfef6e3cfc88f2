"""The cases of the zoo: one table of arguments, shapes and values for each family of layers, losses and optimizers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from suite.records.zoo import Case
from suite.zoo.cases import (
    activations,
    attention,
    convolutions,
    dense,
    losses,
    merging,
    normalizations,
    optimizers,
    poolings,
    recurrent,
    reshaping,
)

FAMILIES = (
    activations, attention, convolutions, dense, merging, normalizations, poolings, recurrent, reshaping, losses, optimizers,
)  # fmt: skip


def every_case(seed: int = 0) -> tuple[Case, ...]:
    """All cases, each once, in a fixed order. `seed`: of the values that their arrays hold."""
    found = {case.id: replace(case, seed=seed) for module in FAMILIES for case in module.cases()}
    return tuple(found.values())


def sample(cases: tuple[Case, ...], count: int, seed: int) -> tuple[Case, ...]:
    """So many of them, drawn by `seed`, in their order; all of them if there are not more."""
    drawn = np.random.default_rng(seed).permutation(len(cases))[:count]
    return tuple(cases[place] for place in sorted(drawn))
