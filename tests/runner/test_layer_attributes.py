"""What training sets on layers is told, and what is private or trained is not."""

from __future__ import annotations

from typing import Any

import pytest

from suite.records import ALTERED
from suite.runner import layer_attributes


def told(monkeypatch: pytest.MonkeyPatch, *, slope: float, **attributes: Any) -> dict[str, dict[str, Any]]:
    layers = {"leaky": {"negative_slope": slope, "_calls": slope, "shape": [1, 2], **attributes}}
    monkeypatch.setattr(layer_attributes, "attributes", lambda _: layers)
    return layers


def test_attributes_that_are_others_after_training_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, slope=0.9)
    before = layer_attributes.plain(None)
    assert before == {"leaky.negative_slope": 0.9}
    assert layer_attributes.altered(None, before) == {}
    told(monkeypatch, slope=0.1, made="later")
    assert layer_attributes.altered(None, before) == {ALTERED: "leaky.negative_slope 0.9 -> 0.1"}


def test_of_many_attributes_the_first_are_told_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, slope=0.9, **{f"a{index}": 0 for index in range(4)})
    before = layer_attributes.plain(None)
    told(monkeypatch, slope=0.1, **{f"a{index}": 1 for index in range(4)})
    said = layer_attributes.altered(None, before)[ALTERED]
    assert said == "leaky.negative_slope 0.9 -> 0.1, leaky.a0 0 -> 1, leaky.a1 0 -> 1 and 2 more"
