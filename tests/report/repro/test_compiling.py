"""What a script writes to compile a model: names, numbers and calls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.records import ConfigurationError, Scenario
from suite.report.repro import compiling

MODULE = Path("mine.py")


def nothing() -> Any:
    raise AssertionError("nothing is called")


def squared(targets: Any, predicted: Any) -> Any:
    raise AssertionError("nothing is called")


SCENARIO = Scenario(name="mine", description="d", model=nothing, data=nothing, optimizer=nothing, loss="mse")


@pytest.mark.parametrize(
    ("loss", "names", "written"),
    [
        ("mse", {}, "'mse'"),
        (None, {}, "None"),
        ({"a": "mse"}, {}, "{'a': 'mse'}"),
        (nothing, {"loss": "loss"}, "loss()"),
        (squared, {"loss": "squared"}, "squared"),
    ],
    ids=["a name", "none", "names by output", "a function that makes it", "a function"],
)
def test_a_loss_is_a_name_a_function_or_what_a_function_makes(loss: Any, names: dict[str, str], written: str) -> None:
    assert compiling.loss(replace(SCENARIO, loss=loss), names, MODULE) == written


def test_only_what_is_not_as_keras_has_it_is_written() -> None:
    assert list(compiling.arguments(SCENARIO, {}, MODULE)) == []
    chosen = replace(SCENARIO, metrics=nothing, weighted_metrics=["AUC"], loss_weights=[1, 0.5], run_eagerly=True)
    assert list(compiling.arguments(chosen, {"metrics": "metrics"}, MODULE)) == [
        ", metrics=metrics()", ", weighted_metrics=['AUC']", ", loss_weights=[1, 0.5]", ", run_eagerly=True",
    ]  # fmt: skip


def test_a_function_inside_a_dict_cannot_be_written() -> None:
    with pytest.raises(
        ConfigurationError, match=r"mine.py: loss is .* which a script cannot show: let a function return it"
    ):
        compiling.loss(replace(SCENARIO, loss={"a": squared}), {}, MODULE)
