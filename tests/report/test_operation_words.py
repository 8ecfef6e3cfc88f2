"""What is said of operations of `keras.ops`, and of the call that makes NaN."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.records import OPERATION, Cause, Code, Place, Verdict
from suite.report import brief, causes, explanations
from suite.report.findings import LOST, _not_measured
from tests.report import sample

DETAIL = (("what", OPERATION), ("class", "keras.ops.cross"), ("name", "arm/cross"), ("stage", "forward"), ("known", "K-68"))


def test_an_operation_that_departs_is_named_with_the_layer_that_calls_it() -> None:
    cause = Cause(code=Code.DEFINITION, subject="torch", detail=DETAIL)
    said = explanations.said("2 pairs", "in mine", (cause,), "different")
    assert said.claim.startswith("In torch, the operation keras.ops.cross (arm/cross), forward, does not compute")
    assert said.advice == "name the axis; docs/defects/K-68.md says more of it"
    assert causes.defined(cause) == "the operation keras.ops.cross (arm/cross), forward"
    finding = replace(sample.results().findings[0], causes=(cause,))
    assert brief.what(finding) == "torch: keras.ops.cross departs from its definition"


@pytest.mark.parametrize(("stage", "gives"), [("gradient", "other gradients"), ("forward", "other numbers")])
def test_an_operation_without_a_definition_is_named_where_two_sides_part(stage: str, gives: str) -> None:
    detail = (("others", "jax, torch"), ("stage", stage), ("tensor", "look"), ("operation", "keras.ops.image.resize"))
    cause = Cause(code=Code.ODD_ONE_OUT, subject="tensorflow", detail=detail)
    claim = explanations.said("2 pairs", "in mine", (cause,), "different").claim
    assert claim.endswith(f"There, keras.ops.image.resize gives {gives} for equal inputs.")


def test_the_call_that_makes_nan_is_named_and_no_learning_rate_is_blamed() -> None:
    detail = (("stage", "gradient"), ("operation", "keras.ops.std"))
    cause = Cause(code=Code.NON_FINITE, subject="jax", detail=detail, evidence=(("step", 4.0),))
    said = explanations.said("1 pair", "in mine", (cause,), "different")
    assert "at step 4 in jax" in said.claim and said.claim.endswith("keras.ops.std makes it of finite numbers.")
    assert "calls of that step" in said.experiment and "add a small number" in said.advice
    finding = replace(sample.results().findings[0], verdict=Verdict.DIFFERENT, causes=(cause,), magnitudes=())
    assert (brief.what(finding), brief.cure(finding)) == ("jax: training reaches NaN or infinity", "")
    assert _not_measured(finding) == LOST


def test_on_both_sides_the_learning_rate_is_advised_where_no_place_is_known() -> None:
    cause = Cause(code=Code.NON_FINITE, evidence=(("step", 4.0),))
    finding = replace(sample.results().findings[0], causes=(cause,), place=None)
    assert brief.cure(finding) == "lower the learning rate"
    place = Place(stage="gradient", tensor="pool", state="3", size=1.0, ratio=1.0)
    assert brief.cure(replace(finding, place=place)) == ""
