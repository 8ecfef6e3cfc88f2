"""What the optimizers of Keras do with a gradient.

Gradients are dense: of an embedding's gradient, which backends may hold as rows with repeated indices, the rows of one
index are added before anything else happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from suite.referee.definition import Undefined, Update, Updated
from suite.referee.optimizers import wrappers
from suite.referee.optimizers.adam import ADAMS
from suite.referee.optimizers.adaptive import ADAPTIVE
from suite.referee.optimizers.descent import DESCENT
from suite.referee.optimizers.matrices import MATRICES
from suite.referee.optimizers.options import finalized, updated
from suite.referee.optimizers.rule import Rule

RULES: Mapping[str, Rule] = {**DESCENT, **ADAPTIVE, **ADAMS, **MATRICES}


def update(asked: Update) -> Updated:
    """The variables and the optimizer's slots after one call of the optimizer.

    `asked.iteration` is what Keras keeps as the optimizer's iteration: with `gradient_accumulation_steps`, calls that
    only accumulate count as well. The result can be asked about again: its slots hold all that the next update needs.

    Raises:
        Undefined: there is no definition of this optimizer.
    """
    if asked.optimizer not in OPTIMIZERS:
        raise Undefined(f"there is no definition of the optimizer {asked.optimizer}; defined are {', '.join(OPTIMIZERS)}")
    return OPTIMIZERS[asked.optimizer](asked)


OPTIMIZERS: Mapping[str, Callable[[Update], Updated]] = {
    **{name: partial(updated, rule) for name, rule in RULES.items()},
    "LossScaleOptimizer": partial(wrappers.loss_scaled, inner=update),
    "MultiOptimizer": partial(wrappers.delegated, inner=update),
}

__all__ = ["OPTIMIZERS", "RULES", "finalized", "update"]
