"""A fake definition and fake readings: agreement, departures in every stage, refusals, and what has no definition."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from suite.records import Status
from suite.records.zoo import Case, JudgedCase, Word
from suite.referee import layers
from suite.referee.definition import Answer, Call, Undefined
from suite.zoo.judging import judge
from suite.zoo.sweep import Recorded
from tests.zoo.recordings import DOUBLE, double, loss, recorded, sgd

X = np.arange(1.0, 7.0).reshape(2, 3)


@pytest.fixture(autouse=True)
def definition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "LAYERS", {"Double": double})


def said(*readings: Recorded) -> JudgedCase:
    return judge(readings[0].case, readings)


def words(judged: JudgedCase) -> dict[str, Word]:
    return {one.environment: one.word for one in judged.verdicts}


def test_equal_readings_agree_in_both_precisions() -> None:
    both = [recorded(name, precision) for name in ("torch", "jax") for precision in ("float64", "float32")]
    assert words(said(*both)) == {"torch": Word.AGREES, "jax": Word.AGREES}


@pytest.mark.parametrize(
    ("stage", "part", "changes"),
    [
        ("forward", "output/0", {"output__0": 2 * X + 1e-4}),
        ("forward", "output/0", {"output__0": 2 * X[:1]}),
        ("forward", "output/0", {"output__0": 2 * X * np.nan}),
        ("forward", "output/1", {"output__1": X}),
        ("state", "state/count", {"state__count": [6.0]}),
        ("gradient", "gradient/input/0", {"gradient__input__0": np.full((2, 3), 2.001)}),
        ("gradient", "gradient/input/0", {"gradient__input__0": np.full((2, 3), np.nan)}),
    ],
)
def test_a_departure_names_its_stage_and_part(stage: str, part: str, changes: dict[str, Any]) -> None:
    judged = said(recorded("torch", **changes), recorded("jax"))
    off = judged.of("torch")
    assert off and (off.word, off.stage, off.part, off.precision) == (Word.DEPARTS, stage, part, "float64")
    assert words(judged)["jax"] is Word.AGREES and not judged.alike


def test_a_departure_of_the_forward_pass_says_more_than_one_of_the_gradient() -> None:
    off = said(recorded(output__0=2 * X + 1, gradient__input__0=np.zeros((2, 3)))).of("torch")
    assert off and off.stage == "forward"


def test_a_gap_as_float32_rounds_is_a_class_of_its_own() -> None:
    off = said(recorded(output__0=2 * X * (1 + 6e-8))).of("torch")
    assert off and (off.word, off.stage) == (Word.INSIDE, "forward") and 5e-8 < off.distance < 7e-8


def test_a_gradient_too_close_for_a_slope_is_told_by_the_other_backends() -> None:
    gradient = np.full((2, 3), 2.0)
    gradient[0, 0] += 1e-9
    judged = said(recorded("torch", gradient__input__0=gradient), recorded("jax"), recorded("tensorflow"))
    assert words(judged) == {"torch": Word.INSIDE, "jax": Word.AGREES, "tensorflow": Word.AGREES}


def test_of_two_that_are_this_far_apart_nobody_is_blamed() -> None:
    gradient = np.full((2, 3), 2.0 + 1e-10)
    assert set(words(said(recorded("torch", gradient__input__0=gradient), recorded("jax"))).values()) == {Word.AGREES}


def test_in_float32_only_gross_departures_count() -> None:
    slight = np.asarray(2 * X * (1 + 1e-5), np.float32)
    assert words(said(recorded("torch", "float32", output__0=slight), recorded("torch"))) == {"torch": Word.AGREES}
    off = said(recorded("torch", "float32", output__0=np.asarray(2.1 * X, np.float32)), recorded("torch")).of("torch")
    assert off and (off.word, off.stage, off.precision) == (Word.DEPARTS, "forward", "float32")


def test_float32_is_judged_where_float64_is_refused() -> None:
    refused = recorded("torch", status=Status.UNSUPPORTED, reason="no kernel")
    off = said(refused, recorded("torch", "float32", output__0=np.asarray(3 * X, np.float32))).of("torch")
    assert off and (off.word, off.precision) == (Word.DEPARTS, "float32")


def test_a_float32_gradient_is_held_against_the_same_backend_s_own() -> None:
    off = said(recorded("torch"), recorded("torch", "float32", gradient__input__0=np.full((2, 3), 3, np.float32))).of(
        "torch"
    )
    assert off and (off.word, off.stage, off.precision) == (Word.DEPARTS, "gradient", "float32")


def test_a_refusal_has_its_reason() -> None:
    judged = said(recorded("torch", status=Status.UNSUPPORTED, reason="ValueError: no"), recorded("jax"))
    off = judged.of("torch")
    assert off and (off.word, off.detail) == (Word.UNSUPPORTED, "ValueError: no") and words(judged)["jax"] is Word.AGREES


def test_a_missing_gradient_leaves_the_forward_pass_judged() -> None:
    off = said(recorded(without_gradient="no kernel")).of("torch")
    assert off and (off.word, off.stage, off.detail) == (Word.UNSUPPORTED, "gradient", "no kernel")
    off = said(recorded(without_gradient="no kernel", output__0=3 * X)).of("torch")
    assert off and (off.word, off.stage) == (Word.DEPARTS, "forward")


def test_a_case_that_took_its_process_with_it_departs() -> None:
    off = said(recorded(status=Status.FAILED, reason="killed by signal 11")).of("torch")
    assert off and (off.word, off.stage, off.detail) == (Word.DEPARTS, "process", "killed by signal 11")


def test_where_all_depart_alike_the_definition_is_suspected() -> None:
    judged = said(*(recorded(name, output__0=3 * X) for name in ("torch", "jax", "tensorflow")))
    assert set(words(judged).values()) == {Word.DEPARTS} and judged.alike
    assert not said(recorded("torch", output__0=3 * X), recorded("jax", output__0=4 * X)).alike


def test_without_a_definition_backends_are_compared_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "LAYERS", {})
    same = said(recorded("torch"), recorded("jax"), recorded("tensorflow"))
    assert set(words(same).values()) == {Word.UNDEFINED}
    judged = said(recorded("torch"), recorded("jax", output__0=3 * X), recorded("tensorflow"))
    assert words(judged) == {"torch": Word.UNDEFINED, "jax": Word.DIFFERS, "tensorflow": Word.UNDEFINED}


def test_a_definition_that_raises_is_faulty_and_nobody_is_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(asked: Call) -> Answer:
        raise KeyError("kernel")

    monkeypatch.setattr(layers, "LAYERS", {"Double": broken})
    off = said(recorded()).of("torch")
    assert off and off.word is Word.FAULTY and "KeyError" in off.detail


def test_at_a_kink_the_referee_says_nothing_about_the_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    def absolute(asked: Call) -> Answer:
        return Answer(outputs=(2 * np.abs(asked.inputs[0]),), state={"count": asked.weights["count"] + 1})

    monkeypatch.setattr(layers, "LAYERS", {"Double": absolute})
    zero: dict[str, Any] = {"input__0": np.zeros((2, 3)), "output__0": np.zeros((2, 3))}
    right, left = np.full((2, 3), 2.0), np.full((2, 3), -2.0)
    readings = [recorded(name, gradient__input__0=right, **zero) for name in ("torch", "jax")]
    assert set(words(said(*readings)).values()) == {Word.AGREES}
    judged = said(*readings, recorded("tensorflow", gradient__input__0=left, **zero))
    off = judged.of("tensorflow")
    assert off and (off.word, off.stage) == (Word.DIFFERS, "gradient") and "kink" in off.detail
    assert words(judged)["torch"] is Word.AGREES


def test_an_argument_that_the_configuration_loses_departs() -> None:
    case = replace(DOUBLE, arguments='{"factor": 2}')
    off = said(recorded(case=case, config="{}")).of("torch")
    assert off and (off.word, off.stage, off.part) == (Word.DEPARTS, "config", "factor")
    assert words(said(recorded(case=case, config='{"factor": 2}'))) == {"torch": Word.AGREES}


def test_the_referee_gets_the_arguments_that_the_configuration_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    def scaled(asked: Call) -> Answer:
        if asked.config.get("factor") != 2:
            raise Undefined("no factor")
        return double(asked)

    monkeypatch.setattr(layers, "LAYERS", {"Double": scaled})
    case = replace(DOUBLE, arguments='{"factor": 2}')
    off = said(recorded(case=case, config="{}", output__0=5 * X)).of("torch")
    assert off and off.stage == "forward"


def test_a_loss_is_judged_by_its_value_and_its_gradient() -> None:
    truth, predicted = np.array([[0.0, 1.0]]), np.array([[1.0, 3.0]])
    right = np.array([[1.0, 2.0]])
    assert words(judge(*_of(loss(truth, predicted, 2.5, right)))) == {"torch": Word.AGREES}
    off = judge(*_of(loss(truth, predicted, 2.6, right))).of("torch")
    assert off and (off.word, off.stage) == (Word.DEPARTS, "forward")
    off = judge(*_of(loss(truth, predicted, 2.5, 2 * right))).of("torch")
    assert off and (off.word, off.stage) == (Word.DEPARTS, "gradient")


def test_an_update_is_measured_by_how_far_it_moves() -> None:
    assert words(judge(*_of(sgd(-1.0)))) == {"torch": Word.AGREES}
    off = judge(*_of(sgd(-1.001))).of("torch")
    assert off and (off.word, off.stage, off.part) == (Word.DEPARTS, "update", "0/variable/kernel")
    assert off.distance == pytest.approx(1e-3)


def test_the_learning_rate_is_that_of_the_schedule() -> None:
    decay = {"initial_learning_rate": 0.5, "decay_rate": 0.5, "decay_steps": 1, "staircase": False}
    schedule = {"learning_rate": {"class_name": "ExponentialDecay", "config": decay}}
    assert words(judge(*_of(sgd(-1.0, config=schedule)))) == {"torch": Word.AGREES}
    off = judge(*_of(sgd(-0.5, rate=0.25, config=schedule))).of("torch")
    assert off and (off.word, off.stage) == (Word.DEPARTS, "schedule")


def _of(one: Recorded) -> tuple[Case, list[Recorded]]:
    return one.case, [one]
