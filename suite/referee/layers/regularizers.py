"""Definitions of regularizers: called with a weight, each returns one number, the penalty that joins the loss."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from suite.referee.definition import Answer, Call, Definition


def elementwise(asked: Call) -> Answer:
    """l1 · Σ|w| + l2 · Σw², either of which may be left out. Source: Keras, pages of L1, L2 and L1L2."""
    (weight,) = asked.inputs
    penalty = asked.config.get("l1", 0.0) * np.abs(weight).sum() + asked.config.get("l2", 0.0) * (weight**2).sum()
    return Answer(outputs=(np.asarray(penalty, np.float64),))


def orthogonal(asked: Call) -> Answer:
    """factor · Σ|u_i · u_j| / 2 / (n (n - 1) / 2) over all pairs i ≠ j of the n rows u, or columns, each divided by its L2
    norm. Source: Keras, OrthogonalRegularizer."""
    (weight,) = asked.inputs
    rows = weight if asked.config["mode"] == "rows" else weight.T
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    products = np.abs(unit @ unit.T)
    count = len(rows)
    total = (products.sum() - np.trace(products)) / 2.0
    return Answer(outputs=(np.asarray(asked.config["factor"] * total / (count * (count - 1) / 2.0), np.float64),))


REGULARIZERS: Mapping[str, Definition] = {
    "L1": elementwise,
    "L2": elementwise,
    "L1L2": elementwise,
    "OrthogonalRegularizer": orthogonal,
}
