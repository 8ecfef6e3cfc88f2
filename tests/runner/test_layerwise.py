"""Which calls of a step are recorded, from which states, and what is said of the others. Without a backend: what needs Keras
is tested on the real ones."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

from suite.records import BETWEEN
from suite.runner import layerwise, models
from suite.runner.seen_calls import Seen


@pytest.mark.parametrize(
    ("stored", "states"),
    [((0, 1, 20, 100), ("0", "100")), ((100, 0, 20), ("0", "100")), ((5,), ("5",)), ((), ())],
)
def test_a_step_is_recorded_from_the_first_and_the_last_state(stored: tuple[int, ...], states: tuple[str, ...]) -> None:
    assert layerwise._states(stored) == states


def test_of_the_others_those_are_recorded_that_single_steps_start_from() -> None:
    assert layerwise._states((0, 1, 10, 20), index=BETWEEN) == ("1", "10", "saturated")
    assert layerwise._states((0, 7, 20), uneven=7, index=BETWEEN) == ("7", "saturated")
    assert layerwise._states((), index=BETWEEN) == ()


class Mine:
    pass


class Kerass:
    pass


Kerass.__module__ = "keras.src.layers.core.dense"
Mine.__module__ = "kerassic.layers"


def refuse(*_: Any, **__: Any) -> None:
    raise ValueError("it needs a second input\nand more")


@pytest.mark.parametrize(("of", "own"), [(Kerass(), True), (Mine(), False)])
def test_a_call_that_cannot_be_repeated_is_said_with_the_reason_and_whose_it_is(
    monkeypatch: pytest.MonkeyPatch, of: object, own: bool
) -> None:
    monkeypatch.setattr(layerwise, "layer_step", refuse)
    monkeypatch.setattr(layerwise, "loss_step", refuse)
    layer, arrays = layerwise._layer(Seen(of=of, name="block/one", inputs=(np.zeros(3),)), "0", seed=0)
    assert (layer.kind, layer.state, layer.name, layer.of, layer.own) == ("layer", "0", "block/one", type(of).__name__, own)
    assert layer.reason.startswith("ValueError: it needs a second input")
    assert arrays == {}
    loss, arrays = layerwise._loss(Seen(of=of, name="loss", inputs=(np.zeros(3), np.zeros(3), None, None)), "0", seed=0)
    assert (loss.kind, loss.name, loss.own, arrays) == ("loss", "loss", own, {})
    assert loss.reason == layer.reason


def test_a_call_that_a_definition_would_take_minutes_for_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layerwise, "layer_step", refuse)
    monkeypatch.setattr(layerwise, "LARGEST", 10)

    def reason(*inputs: Any) -> str:
        return layerwise._layer(Seen(of=Mine(), name="one", inputs=inputs), "0", seed=0)[0].reason

    assert reason(np.zeros((3, 2)), [np.zeros(5)]) == "its inputs hold 11 numbers, more than 10"
    assert reason(np.zeros((3, 2)), [np.zeros(4)]).startswith("ValueError")


def test_a_model_that_refuses_to_predict_costs_no_other_call_and_keeps_its_state(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[dict[str, int]] = []
    monkeypatch.setattr(layerwise, "layers_seen", lambda model, seen: nullcontext())
    monkeypatch.setattr(models, "variables", lambda model: {})
    monkeypatch.setattr(models, "read", lambda variables: {"w": 1})
    monkeypatch.setattr(models, "write", lambda variables, values: written.append(values))
    assert layerwise._predicting(refuse, {"predict": np.zeros((3, 2))}, 2) == []
    assert written == [{"w": 1}]
