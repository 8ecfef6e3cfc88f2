"""CTC by adding up every path; Circle by the formula of its paper."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
import scipy.special

from suite.referee.definition import Undefined
from suite.referee.losses import loss
from tests.referee.losses.calls import call


def by_paths(labels: list[int], logits: np.ndarray) -> float:
    """-log of the summed probabilities of all paths that give the labels."""
    logarithms, total = scipy.special.log_softmax(logits, axis=-1), 0.0
    for path in product(range(logits.shape[1]), repeat=len(logits)):
        if [label for label, _ in groupby(path) if label] == labels:
            total += float(np.exp(sum(logarithms[step, label] for step, label in enumerate(path))))
    return -float(np.log(total)) if total else float("inf")


@pytest.mark.parametrize("labels", [[], [1], [1, 2], [1, 1], [2, 1, 2], [1, 1, 1], [2, 2, 1]])
def test_ctc_adds_up_every_path(labels: list[int]) -> None:
    logits = np.random.default_rng(6).normal(size=(5, 3))
    padded = [labels + [0] * (4 - len(labels))]
    assert loss(call("CTC", padded, logits[None])) == pytest.approx([by_paths(labels, logits)])


def test_labels_that_no_path_gives() -> None:
    assert loss(call("CTC", [[1, 1]], np.zeros((1, 2, 3)))) == [np.inf]
    assert loss(call("CTC", [[1, 2]], np.zeros((1, 2, 3)))) == pytest.approx([np.log(9)])


def test_a_blank_between_labels_is_undefined() -> None:
    with pytest.raises(Undefined, match="a label 0 before the last one is the blank"):
        loss(call("CTC", [[1, 0, 2]], np.zeros((1, 5, 3))))


LABELS = np.array([0, 0, 1, 1, 2, 0])
ROWS = np.random.default_rng(7).normal(size=(6, 4))
ROWS /= np.linalg.norm(ROWS, axis=1, keepdims=True)


def paper(row: int, own: bool, gamma: float = 4.0, margin: float = 0.25) -> float:
    """Equation 6, with the weights of equation 5 and O, Δ of equation 8."""
    similar = ROWS @ ROWS[row]
    near = [s for i, s in enumerate(similar) if LABELS[i] == LABELS[row] and (own or i != row)]
    far = [s for i, s in enumerate(similar) if LABELS[i] != LABELS[row]]
    toward = sum(np.exp(-gamma * max(1 + margin - s, 0) * (s - (1 - margin))) for s in near)
    away = sum(np.exp(gamma * max(s + margin, 0) * (s - margin)) for s in far)
    return float(np.log(1 + toward * away))


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None]])
def test_circle(labels: np.ndarray) -> None:
    config = {"gamma": 4.0, "margin": 0.25}
    assert loss(call("Circle", labels, ROWS, config=config)) == pytest.approx([paper(row, own=False) for row in range(6)])
    with_itself = call("Circle", labels, ROWS, config=config | {"remove_diagonal": False})
    assert loss(with_itself) == pytest.approx([paper(row, own=True) for row in range(6)])


def test_a_row_without_partners_does_not_count() -> None:
    """The label 2 occurs once: its loss is 0, and the mean is over the other five."""
    config = {"gamma": 4.0, "margin": 0.25}
    assert paper(4, own=False) == 0
    mean = loss(call("Circle", LABELS, ROWS, config=config | {"reduction": "sum_over_batch_size"}))
    assert mean == pytest.approx(sum(paper(row, own=False) for row in range(6)) / 5)


def test_circle_does_not_overflow() -> None:
    assert np.all(np.isfinite(loss(call("Circle", LABELS, ROWS, config={"gamma": 5000.0}))))
