"""Losses that are no sum over elements: CTC, of sequences; Circle, of pairs of rows."""

from __future__ import annotations

import numpy as np

from suite.referee.definition import Array, Undefined
from suite.referee.losses.crossentropy import log_softmax
from suite.referee.losses.reduction import Values
from suite.referee.losses.regression import Config

BLANK = 0


def ctc(y_true: Array, y_pred: Array, config: Config) -> Values:
    """-log of the probability of the labels: the sum over all paths that give them.

    A path has one class for each time step; its labels are what is left when repeated classes are merged and blanks (class
    0) are removed. The probability of a path is the product of the softmax of its logits. `y_true`: (rows, labels), filled
    up with 0 at the end; `y_pred`: (rows, steps, classes) logits. Labels that no path gives have the loss infinity.

    Source: Graves et al., Connectionist Temporal Classification (2006), equations 6 to 8; Keras documentation, CTC.
    """
    logarithms = log_softmax(np.asarray(y_pred, dtype=np.float64), axis=-1)
    return Values(each=np.array([_ctc_row(labels, steps) for labels, steps in zip(y_true, logarithms, strict=True)]))


def _ctc_row(padded: Array, steps: Array) -> float:
    """One row: the forward recursion over the labels with blanks between, (steps, classes) log probabilities."""
    labels = [int(label) for label in padded if label != BLANK]
    if labels != [int(label) for label in padded[: len(labels)]]:
        raise Undefined("a label 0 before the last one is the blank, and no label; zeros may only fill up the end")
    states = [BLANK]
    for label in labels:
        states += [label, BLANK]
    forward = [-np.inf] * len(states)
    forward[: 2 if labels else 1] = [steps[0][state] for state in states[:2]]
    for logarithms in steps[1:]:
        forward = [_reached(forward, states, index) + logarithms[states[index]] for index in range(len(states))]
    return -float(np.logaddexp.reduce(forward[-2:] if labels else forward))


def _reached(forward: list[float], states: list[int], index: int) -> float:
    """The log probability of reaching a state: from itself, from the one before, and past a blank to a different label."""
    reached = forward[index]
    if index >= 1:
        reached = np.logaddexp(reached, forward[index - 1])
    if index >= 2 and states[index] not in (BLANK, states[index - 2]):
        reached = np.logaddexp(reached, forward[index - 2])
    return float(reached)


def circle(y_true: Array, y_pred: Array, config: Config) -> Values:
    """log(1 + Σₙ exp(γ · αₙ · (sₙ - m)) · Σₚ exp(-γ · αₚ · (sₚ - 1 + m))) for each row, with γ = `gamma`, m = `margin`.

    s are the products of the row with all rows of the batch (cosines, as rows have norm 1), at most 1: sₚ with rows of the
    same label, without the row itself unless `remove_diagonal` is false; sₙ with the others. αₚ = max(1 + m - sₚ, 0),
    αₙ = max(sₙ + m, 0). A row with no such pairs on one side has the loss 0 and does not count in a mean.

    Source: Sun et al., Circle Loss (2020), equations 6 and 8; Keras documentation, Circle. Gradients go through the α as
    well. Where a loss is 0 by rounding, Keras does not count it either.
    """
    gamma, margin = config.get("gamma", 80.0), config.get("margin", 0.4)
    labels = np.asarray(y_true).reshape(len(y_pred), -1)[:, 0]
    similar = np.minimum(y_pred @ y_pred.T, 1.0)
    same = labels[:, None] == labels[None, :]
    positive = same & ~np.eye(len(labels), dtype=bool) if config.get("remove_diagonal", True) else same
    toward = -gamma * np.maximum(1 + margin - similar, 0) * (similar - 1 + margin)
    away = gamma * np.maximum(similar + margin, 0) * (similar - margin)
    each = np.array(
        [
            np.logaddexp(0, _log_sum(toward[row][positive[row]]) + _log_sum(away[row][~same[row]]))
            for row in range(len(labels))
        ]
    )
    return Values(each=each, counted=each > 0)


def _log_sum(exponents: Array) -> float:
    return float(np.logaddexp.reduce(exponents)) if len(exponents) else -np.inf


SEQUENCES = {"CTC": ctc, "Circle": circle}
