"""What a model holds in Python is put back before each run."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite.runner import members, python_state


def gate(**held: Any) -> SimpleNamespace:
    return SimpleNamespace(**held)


@pytest.mark.parametrize(
    ("before", "later"),
    [
        (1.0, 8.0),
        (0, True),
        ("warm", "cold"),
        (None, 3),
        ([], [0.5]),
        ({"seen": 1}, {"seen": 2}),
        (np.zeros(3), np.ones(3)),
    ],
)
def test_what_training_sets_is_put_back(before: Any, later: Any) -> None:
    layer = gate(sharpness=before)
    held = list(python_state.of(layer, ()))
    layer.sharpness = later
    assert python_state.moved(held)
    python_state.put_back(held)
    assert not python_state.moved(held)
    assert type(layer.sharpness) is type(before)
    np.testing.assert_equal(layer.sharpness, before)


def test_what_changes_in_place_is_put_back_each_time() -> None:
    layer = gate(seen=[1], sums=np.zeros(2))
    held = list(python_state.of(layer, ()))
    for _ in range(2):
        layer.seen.append(2)
        layer.sums += 1.0
        python_state.put_back(held)
        assert layer.seen == [1]
        assert not layer.sums.any()


def test_what_is_as_before_is_not_set_again() -> None:
    layer = gate(seen=[1, 2], mean=np.array([np.nan]), best=float("nan"))
    seen, mean = layer.seen, layer.mean
    held = list(python_state.of(layer, ()))
    assert not python_state.moved(held)
    python_state.put_back(held)
    assert layer.seen is seen
    assert layer.mean is mean


def test_common_attributes_and_objects_are_left_alone() -> None:
    layer = gate(name="gate", kernel=object(), parts=[object()], sharpness=1.0)
    assert [one.member.name for one in python_state.of(layer, {"name"})] == ["sharpness"]


def test_private_attributes_are_put_back_where_the_class_is_not_of_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = gate(_step=0, rate=1.0)
    assert [one.member.name for one in python_state.of(layer, ())] == ["_step", "rate"]
    monkeypatch.setattr("suite.runner.keras_versions.is_of_keras", lambda kind: True)
    assert [one.member.name for one in python_state.of(layer, ())] == ["rate"]


class Helper:
    """An object of a user's inside a layer."""

    def __init__(self, step: int, inside: Any = None) -> None:
        self.step, self.inside = step, inside


def test_what_helper_objects_inside_a_layer_hold_is_put_back_too() -> None:
    layer = gate(helper=Helper(0, Helper(1)))
    held = list(python_state.of(layer, ()))
    assert [one.member.name for one in held] == ["helper.step", "helper.inside.step", "helper.inside.inside"]
    layer.helper.inside.step = 7
    assert python_state.moved(held)
    python_state.put_back(held)
    assert (layer.helper.step, layer.helper.inside.step) == (0, 1)


def test_helper_objects_that_hold_each_other_end_somewhere() -> None:
    first, second = Helper(0), Helper(1)
    first.inside, second.inside = second, first
    names = [one.member.name for one in python_state.of(gate(helper=first), ())]
    assert names == ["helper.step", "helper.inside.step"]


def test_variables_that_nobody_moved_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.runner.fake_keras import Variable

    monkeypatch.setattr(members.Member, "is_variable", property(lambda one: isinstance(one.value, Variable)))
    monkeypatch.setattr(
        members.Member, "now", lambda one: one.value.numpy() if one.is_variable else vars(one.holder)[one.attribute]
    )
    kept, lost = Variable("kept", np.zeros(2)), Variable("lost", np.zeros(2))
    held = list(python_state.of(gate(kept=kept, helper=Helper(0, lost)), ()))
    kept.assign(np.ones(2))
    assert python_state.unmoved(held) == ["helper.inside"]


@pytest.mark.parametrize("make", [random.Random, np.random.default_rng, np.random.RandomState])
def test_generators_draw_the_same_numbers_again(make: Callable[[int], Any]) -> None:
    layer = gate(coin=make(7))
    held, numbers = list(python_state.of(layer, ())), []
    assert not python_state.moved(held)
    for _ in range(2):
        numbers.append([layer.coin.random() for _ in range(3)])
        assert python_state.moved(held)
        python_state.put_back(held)
    assert numbers[0] == numbers[1]
