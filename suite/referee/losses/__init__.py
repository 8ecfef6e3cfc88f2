"""What the losses of Keras are, in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from suite.referee.definition import Array, LossCall, Undefined
from suite.referee.gradients import Directional, derivative, direction
from suite.referee.losses.classification import CLASSIFICATION
from suite.referee.losses.crossentropy import CROSSENTROPIES
from suite.referee.losses.reduction import Values, reduced, same_rank
from suite.referee.losses.regression import REGRESSION
from suite.referee.losses.sequences import SEQUENCES

Definition = Callable[[Array, Array, Mapping[str, Any]], Values]

LOSSES: Mapping[str, Definition] = {**REGRESSION, **CLASSIFICATION, **CROSSENTROPIES, **SEQUENCES}
# A model compiled with a function, as in loss="mse", holds it in a LossFunctionWrapper, by the function's name.
FUNCTIONS: Mapping[str, Definition] = {definition.__name__: definition for definition in LOSSES.values()}
WRAPPER = "LossFunctionWrapper"
STEP = 6e-6  # the cube root of float64's unit roundoff: probabilities down to 1e-3 are still many steps away from 0
SMOOTH = 1e-3  # two steps of a smooth function agree far better; a kink within one step is far worse


def loss(asked: LossCall) -> float | Array:
    """The loss: a number, or an array of values if the reduction is None or "none".

    Raises:
        Undefined: there is no definition of this loss, or not of this call.
    """
    definition, config = _definition(asked), {**asked.config, "epsilon": asked.epsilon}
    y_true = np.asarray(asked.y_true, dtype=np.float64)
    values = definition(*same_rank(y_true, np.asarray(asked.y_pred, dtype=np.float64)), config)
    result = reduced(values, asked.sample_weight, asked.mask, asked.config.get("reduction", "sum_over_batch_size"))
    return result if asked.config.get("reduction", "") in (None, "none") else float(result)


def class_of(loss: str, config: Mapping[str, Any]) -> str:
    """The name of the loss's class; of a function in a wrapper, that of the class which computes the same.

    Raises:
        Undefined: the function is not one of Keras's.
    """
    if loss != WRAPPER:
        return loss
    function = config["fn"]
    name = function["config"] if isinstance(function, Mapping) else function
    if name not in FUNCTIONS:
        raise Undefined(f"the loss function {name} is code of the scenario; only Keras's own are defined")
    return next(one for one, definition in LOSSES.items() if definition is FUNCTIONS[name])


def _definition(asked: LossCall) -> Definition:
    name = class_of(asked.loss, asked.config)
    if name not in LOSSES:
        raise Undefined(f"there is no definition of the loss {name}; defined are {', '.join(LOSSES)}")
    return LOSSES[name]


def gradient_along(asked: LossCall, direction: Array) -> float | Array:
    """The derivative of the loss as `y_pred` moves along `direction` (of its shape): Σ gradient · direction.

    Central differences D(h) = (L(y + h · d) - L(y - h · d)) / 2h with two steps h, of which the larger is 6e-6 in the
    largest element of d, and (4 · D(h/2) - D(h)) / 3, where the errors of order h² cancel (Richardson). Right to about
    1e-9; to 1e-6 where the second derivative jumps within the step. Without reduction: one derivative for each value.

    Raises:
        Undefined: the loss is not finite, or has a kink within the step, where a gradient depends on the side; or see
            `loss`.
    """
    if not np.all(np.isfinite(loss(asked))):
        raise Undefined("the loss of these predictions is not finite: it has no gradient")
    step = STEP / max(float(np.max(np.abs(direction))), 1e-30)
    wide, narrow = (_difference(asked, direction, width) for width in (step, step / 2))
    scale = float(np.max(np.abs(narrow), initial=0.0)) + STEP
    if np.any(np.abs(wide - narrow) > SMOOTH * scale):
        raise Undefined("the loss has a kink near these predictions along this direction: its gradient depends on the side")
    result = (4 * narrow - wide) / 3
    return result if result.ndim else float(result)


def directional(asked: LossCall, cotangent: Array, seed: int) -> Directional:
    """The derivative of Σ loss · cotangent at these predictions, along a random direction: `directions["y_pred"]`, of their
    shape. It says what a kink at this very point leaves open, as |x| at 0 does.

    Raises:
        Undefined: see `loss`.
    """
    moved = direction(np.asarray(asked.y_pred, dtype=np.float64), "y_pred", seed)

    def terms(distance: float) -> Array:
        return np.ravel(np.asarray(loss(replace(asked, y_pred=asked.y_pred + distance * moved))) * cotangent)

    return derivative(terms, {"y_pred": moved})


def _difference(asked: LossCall, direction: Array, step: float) -> Array:
    ahead, behind = (loss(replace(asked, y_pred=asked.y_pred + side * step * direction)) for side in (1, -1))
    return np.asarray((np.asarray(ahead) - np.asarray(behind)) / (2 * step))


__all__ = ["FUNCTIONS", "LOSSES", "class_of", "directional", "gradient_along", "loss"]
