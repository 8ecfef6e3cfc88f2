"""What data can be, and what is wrong with anything else, in one sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from suite.records import Data, Scenario
from suite.runner.scenario_data import data_arrays


def nothing() -> None:
    raise AssertionError("nothing is called")


SCENARIO = Scenario(name="mine", description="d", model=nothing, data=nothing, optimizer=nothing, loss="mse", batch=4)
X, Y = np.zeros((8, 2), np.float32), np.arange(8)


def arrays(x: Any = X, y: Any = Y, predict: Any = X, sample_weight: Any = None) -> dict[str, np.ndarray]:
    return data_arrays(Data(x=x, y=y, predict=predict, sample_weight=sample_weight), SCENARIO)


def given(found: dict[str, np.ndarray]) -> set[str]:
    """The names without those of rows to evaluate."""
    return {name for name in found if not name.startswith("evaluate_")}


def test_every_part_is_named_and_keeps_its_dtype() -> None:
    found = arrays(x={"a": X, "b": [X, X]}, y={"d": Y, "c": X}, sample_weight={"d": X[:, 0], "c": X[:, 0]})
    assert given(found) == {
        "x/a", "x/b/[0]", "x/b/[1]", "y/d", "y/c", "sample_weight/d", "sample_weight/c", "predict",
    }  # fmt: skip
    assert (found["y/d"].dtype, found["y/c"].dtype) == (np.dtype(np.int64), np.dtype(np.float32))


def test_targets_may_be_missing_or_plain_numbers() -> None:
    assert given(arrays(y=None)) == {"x", "predict"}
    assert arrays(y=list(range(8)))["y"].shape == (8,)
    assert arrays(x=X.astype(ml_dtypes.bfloat16))["x"].shape == (8, 2)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({"x": {"words": np.array(["a"] * 8)}}, r"mine: data x/words holds <U1, wanted numbers"),
    "objects": ({"y": np.array([None] * 8)}, r"mine: data y holds object, wanted numbers"),
    "ragged": ({"x": [[1], [1, 2]]}, r"mine: data x is no array of one shape .*: pad its rows"),
    "a number": ({"y": 3.0}, r"mine: data y is a single value, wanted an array \(rows, ...\)"),
    "empty": ({"y": np.empty((0, 2))}, r"mine: data y is empty or holds NaN"),
    "not finite": ({"x": np.full((8, 2), np.nan)}, r"mine: data x is empty or holds NaN or infinity"),
    "too few targets": ({"y": [X, Y[:5]]}, r"mine: data y/\[1\] has 5 rows, x has 8"),
    "too few weights": ({"sample_weight": Y[:5]}, r"mine: data sample_weight has 5 rows, x has 8"),
    "rows to predict": ({"predict": X[:6]}, r"mine: data predict has 6 rows to predict on, wanted whole batches of 4"),
    "no array": ({"x": {}}, r"mine: data x holds no array"),
}


@pytest.mark.parametrize(("given", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        arrays(**given)


def test_data_that_is_no_data_is_named() -> None:
    with pytest.raises(ValueError, match=r"mine: data\(\) returned a tuple, wanted a suite.Data"):
        data_arrays((X, Y), SCENARIO)  # type: ignore[arg-type]


ROWS = np.arange(36, dtype=np.float32).reshape(18, 2)


def named(**parts: Any) -> dict[str, np.ndarray]:
    return data_arrays(Data(x={"a": ROWS}, y=ROWS[:, 0], **parts), SCENARIO)


def test_rows_to_evaluate_are_whole_batches_with_targets_and_weights() -> None:
    found = named(evaluate=({"a": ROWS[5:]}, ROWS[5:, 0], ROWS[5:, 1]))
    assert np.array_equal(found["evaluate_x/a"], ROWS[5:17])
    assert np.array_equal(found["evaluate_y"], ROWS[5:17, 0])
    assert np.array_equal(found["evaluate_sample_weight"], ROWS[5:17, 1])


def test_rows_to_validate_on_are_evaluated_where_none_are_given_for_that() -> None:
    found = named(validation=({"a": ROWS[9:]}, ROWS[9:, 0]))
    assert np.array_equal(found["validation_x/a"], ROWS[9:]) and np.array_equal(found["evaluate_x/a"], ROWS[9:17])
    assert "evaluate_sample_weight" not in found


def test_the_first_batches_are_evaluated_and_predicted_where_nothing_else_is_given() -> None:
    found = named()
    assert np.array_equal(found["evaluate_x/a"], ROWS[:16]) and np.array_equal(found["evaluate_y"], ROWS[:16, 0])
    assert np.array_equal(found["predict/a"], ROWS[:16])


def test_fewer_rows_than_a_batch_are_evaluated_again_and_again() -> None:
    found = data_arrays(Data(x=ROWS[:3], y=ROWS[:3, 0]), SCENARIO)
    assert found["evaluate_y"].tolist() == [0.0, 2.0, 4.0, 0.0] and len(found["predict"]) == 4


OTHERS: dict[str, tuple[Any, str]] = {
    "an array": (ROWS, r"mine: data evaluate is a ndarray of 18 entries, wanted \(x, y\) or"),
    "four parts": ((ROWS,) * 4, r"mine: data evaluate is a tuple of 4 entries, wanted \(x, y\) or"),
    "too few": ((ROWS[:3], ROWS[:3, 0]), r"mine: data evaluate has 3 rows, wanted at least a batch of 4"),
    "unequal": ((ROWS, ROWS[:5, 0]), r"mine: data evaluate_y has 5 rows, evaluate_x has 18"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_other_rows_that_cannot_be_used_are_a_sentence(what: str) -> None:
    rows, words = OTHERS[what]
    with pytest.raises(ValueError, match=words):
        data_arrays(Data(x=ROWS, y=ROWS[:, 0], evaluate=rows), SCENARIO)


def fitted(y: Any, weight: Any = None, validation: Any = None, **fit: Any) -> dict[str, np.ndarray]:
    data = Data(x=ROWS, y=y, sample_weight=weight, validation=validation)
    return data_arrays(data, replace(SCENARIO, epochs=1, **fit))


CLASSES = np.array([0, 1, 2] * 6)
WEIGHTED = [1.0, 4.0, 0.5] * 6


@pytest.mark.parametrize(
    "y", [CLASSES, CLASSES[:, None], np.eye(3)[CLASSES], CLASSES + 0.2], ids=["classes", "a column", "one-hot", "rounded"]
)
def test_the_weight_of_a_class_is_that_of_its_rows(y: np.ndarray) -> None:
    assert fitted(y, class_weight={1: 4.0, 2: 0.5})["sample_weight"].tolist() == WEIGHTED


def test_the_last_rows_are_validated_on_without_weights() -> None:
    found = fitted(CLASSES, validation_split=0.3, class_weight={1: 4.0, 2: 0.5})
    assert found["y"].tolist() == CLASSES[:12].tolist() and found["validation_y"].tolist() == CLASSES[12:].tolist()
    assert found["sample_weight"].tolist() == WEIGHTED[:12] and "validation_sample_weight" not in found
    assert np.array_equal(found["validation_x"], ROWS[12:])


def test_rows_to_validate_on_keep_the_weights_of_rows() -> None:
    found = fitted(CLASSES, weight=np.arange(18.0), validation_split=0.5)
    assert found["validation_sample_weight"].tolist() == list(range(9, 18))


FITS: dict[str, tuple[dict[str, Any], str]] = {
    "both weights": ({"weight": CLASSES, "class_weight": {0: 2.0}}, "it has class_weight and data sample_weight"),
    "no target": ({"y": None, "class_weight": {0: 2.0}}, "class_weight needs one target, and y has 0 entries"),
    "many classes": ({"y": np.ones((18, 2, 2)), "class_weight": {0: 2.0}}, r"y has shape \(18, 2, 2\)"),
    "both validations": ({"validation": (ROWS, CLASSES), "validation_split": 0.5}, "it has validation_split and data val"),
    "an empty part": ({"validation_split": 0.99}, "validation_split 0.99 of 18 rows leaves one part empty"),
}


@pytest.mark.parametrize("what", FITS)
def test_what_fit_cannot_have_is_a_sentence(what: str) -> None:
    given, words = FITS[what]
    with pytest.raises(ValueError, match=words):
        fitted(**{"y": CLASSES, **given})
