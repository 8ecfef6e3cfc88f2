"""Crossentropies against SciPy and the reference implementation of ONNX."""

from __future__ import annotations

import math

import numpy as np
import onnx
import onnx.reference
import pytest
import scipy.special

from suite.referee.losses import loss
from tests.referee.losses.calls import BINARY, CLASSES, DISTRIBUTIONS, NUMBERS, ONE_HOT, PROBABILITIES, call

P = np.random.default_rng(3).uniform(0.1, 0.9, size=(4, 3))
LOGITS = {"from_logits": True}


def onnx_crossentropy(scores: np.ndarray, labels: np.ndarray, **attributes: object) -> np.ndarray:
    """The operator SoftmaxCrossEntropyLoss of ONNX."""
    node = onnx.helper.make_node("SoftmaxCrossEntropyLoss", ["scores", "labels"], ["loss"], **attributes)
    return np.asarray(onnx.reference.ReferenceEvaluator(node).run(None, {"scores": scores, "labels": labels})[0])


def test_binary() -> None:
    expected = -(scipy.special.xlogy(BINARY, P) + scipy.special.xlog1py(1 - BINARY, -P))
    assert loss(call("BinaryCrossentropy", BINARY, P)) == pytest.approx(expected.mean(-1))
    assert loss(call("BinaryCrossentropy", BINARY, P, config={"axis": 0})) == pytest.approx(expected.mean(0))
    assert loss(call("BinaryCrossentropy", BINARY, scipy.special.logit(P), config=LOGITS)) == pytest.approx(
        expected.mean(-1)
    )


def test_probabilities_are_clipped_and_logits_are_not() -> None:
    assert loss(call("BinaryCrossentropy", [[1.0]], [[0.0]])) == pytest.approx([-math.log(1e-7)])
    assert loss(call("BinaryCrossentropy", [[1.0]], [[-1000.0]], config=LOGITS)) == pytest.approx([1000.0])
    assert loss(call("CategoricalCrossentropy", [[1.0, 0.0]], [[0.0, 1.0]])) == pytest.approx([-math.log(1e-7)])
    assert loss(call("CategoricalCrossentropy", [[1.0, 0.0]], [[-500.0, 500.0]], config=LOGITS)) == pytest.approx([1000.0])
    assert loss(call("SparseCategoricalCrossentropy", [0], [[0.0, 1.0]])) == pytest.approx([-math.log(1e-7)])


def test_smoothed_binary_targets_move_towards_a_half() -> None:
    smoothed = loss(call("BinaryCrossentropy", BINARY, P, config={"label_smoothing": 0.25}))
    assert smoothed == pytest.approx(loss(call("BinaryCrossentropy", 0.75 * BINARY + 0.125, P)))


@pytest.mark.parametrize("balanced", [False, True])
def test_binary_focal(balanced: bool) -> None:
    config = {"gamma": 1.5, "alpha": 0.75, "apply_class_balancing": balanced}
    right = np.where(BINARY == 1, P, 1 - P)
    expected = -((1 - right) ** 1.5) * np.log(right) * (np.where(BINARY == 1, 0.75, 0.25) if balanced else 1)
    assert loss(call("BinaryFocalCrossentropy", BINARY, P, config=config)) == pytest.approx(expected.mean(-1))
    logits = call("BinaryFocalCrossentropy", BINARY, scipy.special.logit(P), config=config | LOGITS)
    assert loss(logits) == pytest.approx(expected.mean(-1))
    plain = call("BinaryFocalCrossentropy", BINARY, P, config={"gamma": 0.0})
    assert loss(plain) == pytest.approx(loss(call("BinaryCrossentropy", BINARY, P)))


def test_categorical() -> None:
    expected = -np.log(PROBABILITIES[np.arange(4), CLASSES])
    assert loss(call("CategoricalCrossentropy", ONE_HOT, PROBABILITIES)) == pytest.approx(expected)
    expected = -(DISTRIBUTIONS * scipy.special.log_softmax(NUMBERS, axis=-1)).sum(-1)
    assert loss(call("CategoricalCrossentropy", DISTRIBUTIONS, NUMBERS, config=LOGITS)) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["CategoricalCrossentropy", "CategoricalFocalCrossentropy"])
@pytest.mark.parametrize("config", [{"label_smoothing": 0.25}, LOGITS | {"label_smoothing": 0.25}])
def test_classes_along_a_different_axis(name: str, config: dict[str, object]) -> None:
    """As if they were along the last one, their number for smoothing included."""
    along = loss(call(name, DISTRIBUTIONS, PROBABILITIES, config=config))
    across = loss(call(name, DISTRIBUTIONS.T, PROBABILITIES.T, config=config | {"axis": 0}))
    assert along == pytest.approx(across)


def test_probabilities_are_divided_by_their_sum() -> None:
    for name, targets in (("CategoricalCrossentropy", ONE_HOT), ("SparseCategoricalCrossentropy", CLASSES)):
        assert loss(call(name, targets, 5 * PROBABILITIES)) == pytest.approx(loss(call(name, targets, PROBABILITIES)))


def test_smoothed_targets_share_a_part_of_one() -> None:
    smoothed = loss(call("CategoricalCrossentropy", ONE_HOT, PROBABILITIES, config={"label_smoothing": 0.3}))
    assert smoothed == pytest.approx(loss(call("CategoricalCrossentropy", 0.7 * ONE_HOT + 0.1, PROBABILITIES)))


def test_categorical_focal() -> None:
    chosen = PROBABILITIES[np.arange(4), CLASSES]
    expected = -0.5 * (1 - chosen) ** 3 * np.log(chosen)
    config = {"alpha": 0.5, "gamma": 3.0}
    assert loss(call("CategoricalFocalCrossentropy", ONE_HOT, PROBABILITIES, config=config)) == pytest.approx(expected)
    logits = call("CategoricalFocalCrossentropy", ONE_HOT, np.log(PROBABILITIES), config=config | LOGITS)
    assert loss(logits) == pytest.approx(expected)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("ignored", [None, 2])
def test_sparse_categorical(reduction: str, ignored: int | None) -> None:
    more = {} if ignored is None else {"ignore_index": ignored}
    expected = onnx_crossentropy(NUMBERS, CLASSES, reduction=reduction, **more)
    config = LOGITS | {"ignore_class": ignored, "reduction": reduction}
    for targets in (CLASSES, CLASSES[:, None]):
        assert loss(call("SparseCategoricalCrossentropy", targets, NUMBERS, config=config)) == pytest.approx(expected)
    probabilities = scipy.special.softmax(NUMBERS, axis=-1)
    config |= {"from_logits": False}
    assert loss(call("SparseCategoricalCrossentropy", CLASSES, probabilities, config=config)) == pytest.approx(expected)


def test_sparse_categorical_of_images_with_a_void_class() -> None:
    scores, labels = np.random.default_rng(4).normal(size=(2, 3, 5)), np.array([[0, 255, 2, 1, 255], [255, 1, 1, 0, 2]])
    expected = onnx_crossentropy(scores, labels, reduction="mean", ignore_index=255)
    config = LOGITS | {"ignore_class": 255, "reduction": "sum_over_batch_size"}
    first = call("SparseCategoricalCrossentropy", labels, scores, config=config | {"axis": 1})
    assert loss(first) == pytest.approx(expected)
    last = call("SparseCategoricalCrossentropy", labels, np.moveaxis(scores, 1, -1), config=config)
    assert loss(last) == pytest.approx(expected)


def test_smoothed_sparse_targets_are_smoothed_one_hot_targets() -> None:
    config = {"label_smoothing": 0.3}
    sparse = loss(call("SparseCategoricalCrossentropy", CLASSES, PROBABILITIES, config=config))
    assert sparse == pytest.approx(loss(call("CategoricalCrossentropy", ONE_HOT, PROBABILITIES, config=config)))
