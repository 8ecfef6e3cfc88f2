"""What `fit` says of the rows that it trains on, where environments that train alike say different things."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from suite.compare import HISTORY
from suite.explain import fitted_metrics
from suite.records import Code, Environment, Provisioned, RecordedCall, plain
from tests.explain.run_folders import Folder, RecordedArrays, configuration

ENVIRONMENTS = ("tensorflow", "jax", "torch")
READY = tuple(
    Provisioned(
        environment=Environment(name=name, backend=name), python="", digest="", reason="", packages={"keras": "3.15.1"}
    )
    for name in ENVIRONMENTS
)


def folder(path: Path, said: dict[str, float]) -> Folder:
    """Environments that train alike, and what `fit` said of the accuracy in each."""
    made = Folder(path, ENVIRONMENTS)
    made.all_trained(dict.fromkeys(ENVIRONMENTS, 1.0))
    for name, accuracy in said.items():
        made.trained(plain(configuration(name), "float64"), 1.0, accuracy=accuracy)
    return made


def loss_call(*, masked: bool) -> RecordedArrays:
    call = RecordedCall(state="0", kind="loss", name="loss", of="MeanSquaredError", config=json.dumps({}))
    arrays = {"input|y_true": np.ones((2, 1)), "input|y_pred": np.ones((2, 1)), "output|0": np.zeros(())}
    return call, arrays | ({"mask|0": np.array([True, False])} if masked else {})


@pytest.mark.parametrize(
    ("said", "odd"),
    [
        ({"tensorflow": 0.5, "jax": 0.4, "torch": 0.5}, "jax"),
        ({"tensorflow": 0.4, "jax": 0.5, "torch": 0.5}, "tensorflow"),
        ({"tensorflow": 0.5, "jax": 0.4, "torch": 0.3}, ""),  # no two agree
        ({"tensorflow": 0.5, "jax": 0.4}, ""),  # of two, neither is odd
    ],
)
def test_the_odd_one_says_something_else_than_all_others(tmp_path: Path, said: dict[str, float], odd: str) -> None:
    found = fitted_metrics.component(folder(tmp_path, said).read(), "s", "tensorflow", "jax")
    assert found is not None
    assert (found.environment, set(found.distances)) == (odd, {HISTORY})
    (cause,) = found.causes
    if not odd:
        assert cause.code == Code.UNKNOWN
        return
    others = ", ".join(sorted({*ENVIRONMENTS} - {odd}))
    assert (cause.code, cause.subject) == (Code.ODD_ONE_OUT, odd)
    assert cause.detail == (("others", others), ("stage", "history"), ("tensor", "accuracy"))


@pytest.mark.parametrize(
    "said", [{}, {"tensorflow": 0.5, "torch": 0.4}, {"tensorflow": 0.5, "jax": 0.5 + 1e-14, "torch": 0.4}]
)
def test_nothing_is_said_of_two_that_say_the_same_or_nothing(tmp_path: Path, said: dict[str, float]) -> None:
    assert fitted_metrics.component(folder(tmp_path, said).read(), "s", "tensorflow", "jax") is None


@pytest.mark.parametrize(("odd", "masked", "known"), [("jax", True, "K-63"), ("jax", False, ""), ("torch", True, "")])
def test_what_counts_the_masked_predictions_on_jax_is_a_known_defect(
    tmp_path: Path, odd: str, masked: bool, known: str
) -> None:
    said = {name: 0.4 if name == odd else 0.5 for name in ENVIRONMENTS}
    made = folder(tmp_path, said)
    made.recorded("tensorflow", [loss_call(masked=masked)])
    found = fitted_metrics.component(made.read(READY), "s", "tensorflow", odd)
    assert found is not None
    assert dict(found.causes[0].detail).get("known", "") == known


@pytest.mark.parametrize(
    ("odd", "validated", "known"), [("torch", 0.4, "K-70"), ("torch", 0.3, ""), ("torch", None, ""), ("jax", 0.4, "")]
)
def test_a_number_that_is_that_of_the_validation_is_a_known_defect_on_torch(
    tmp_path: Path, odd: str, validated: float | None, known: str
) -> None:
    made = folder(tmp_path, dict.fromkeys(ENVIRONMENTS, 0.5))
    made.trained(plain(configuration(odd), "float64"), 1.0, accuracy=0.4, validated=validated)
    found = fitted_metrics.component(made.read(READY), "s", "tensorflow", odd)
    assert found is not None
    assert dict(found.causes[0].detail).get("known", "") == known
