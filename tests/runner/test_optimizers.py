"""Every variable of an optimizer has a name of its own, which says what it belongs to."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from suite.records import SHARED_AVERAGES
from suite.runner import models, optimizers
from tests.runner import fake_keras
from tests.runner.fake_keras import Model, Optimizer, Variable


@pytest.fixture(autouse=True)
def keras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", fake_keras.KERAS)


@pytest.fixture
def trained() -> list[Variable]:
    return [Variable(path) for path in ("dense/kernel", "dense_1/kernel", "a_b/kernel", "a/b/kernel")]


def slot(owner: Variable, name: str) -> Variable:
    return Variable(f"sgd/{owner.path.replace('/', '_')}_{name}")


def named(optimizer: Optimizer, trained: list[Variable]) -> dict[str, Variable]:
    found: dict[str, Variable] = optimizers.slots(Model(trained, optimizer))
    return found


class Schedule(fake_keras.LearningRateSchedule):
    def __call__(self, step: int) -> float:
        return 0.1 / step


def test_a_function_that_is_asked_for_the_rate_is_told_from_a_schedule() -> None:
    plain, asking, scheduled, around = (Optimizer(name, []) for name in ("plain", "asking", "scheduled", "around"))
    asking._learning_rate = lambda: 0.1  # type: ignore[assignment]
    scheduled._learning_rate = Schedule()  # type: ignore[assignment]
    around.inner_optimizer = asking  # type: ignore[attr-defined]
    assert [optimizers.asks(one) for one in (plain, asking, scheduled, around)] == [False, True, False, True]


def test_slots_belong_to_the_variable_in_whose_place_they_are(trained: list[Variable]) -> None:
    optimizer = Optimizer("sgd", trained)
    optimizer.keep("momentums", [slot(one, "momentum") for one in trained])
    found = named(optimizer, trained)
    assert list(found) == [
        "optimizer/iteration", "optimizer/learning_rate", *(f"{one.path}/momentum" for one in trained),
    ]  # fmt: skip
    assert [found[f"{one.path}/momentum"] for one in trained] == optimizer.momentums  # type: ignore[attr-defined]


def test_a_slot_that_is_named_as_its_variable_takes_the_name_of_its_list(trained: list[Variable]) -> None:
    optimizer = Optimizer("adafactor", trained)
    for attribute in ("_r", "_c"):
        optimizer.keep(attribute, [Variable("adafactor/kernel") for _ in trained])
    optimizer.keep("_v", [None, *(slot(one, "velocity") for one in trained[1:])])
    found = named(optimizer, trained)
    assert {"dense/kernel/r", "dense/kernel/c", "a/b/kernel/c", "a/b/kernel/velocity"} < found.keys()
    assert len(found) == 2 + 4 + 4 + 3


def test_slots_outside_of_lists_are_known_by_the_longest_name(trained: list[Variable]) -> None:
    optimizer = Optimizer("sgd", trained[:2])
    optimizer.by_path = {one.path: slot(one, "momentum") for one in trained[:2]}  # type: ignore[attr-defined]
    optimizer._variables += optimizer.by_path.values()  # type: ignore[attr-defined]
    assert {"dense/kernel/momentum", "dense_1/kernel/momentum"} < named(optimizer, trained).keys()


def test_a_variable_without_a_name_takes_that_of_its_attribute(trained: list[Variable]) -> None:
    optimizer = Optimizer("nadam", trained)
    optimizer._u_product = Variable("variable_17")  # type: ignore[attr-defined]
    assert "optimizer/u_product" in named(optimizer, trained), "found where Keras does not track it, too"


def test_a_wrapper_and_what_is_inside_keep_their_variables_apart(trained: list[Variable]) -> None:
    inner, outer = Optimizer("adam", trained), Optimizer("loss_scale_optimizer", trained)
    inner.keep("_momentums", [slot(one, "momentum") for one in trained])
    outer.inner_optimizer = inner  # type: ignore[attr-defined]
    found = named(outer, trained)
    assert found["optimizer/iteration"] is inner._iterations
    assert found["optimizer/Optimizer/iteration"] is outer._iterations
    assert {name for name in found if optimizers.of_a_wrapper(name)} == {
        "optimizer/Optimizer/iteration", "optimizer/Optimizer/learning_rate",
    }  # fmt: skip
    assert optimizers.leaves(outer) == [inner] and optimizers.members(outer) == [outer, inner]


def test_several_optimizers_inside_have_numbers(trained: list[Variable]) -> None:
    first, second, outer = Optimizer("sgd", trained[:2]), Optimizer("sgd", trained[2:]), Optimizer("multi", trained)
    outer._inner_optimizers = [first, second]  # type: ignore[attr-defined]
    found = named(outer, trained)
    assert found["optimizer/0/iteration"] is first._iterations
    assert found["optimizer/1/learning_rate"] is second._learning_rate
    assert not optimizers.of_a_wrapper("optimizer/0/iteration") and optimizers.of_a_wrapper("optimizer/Optimizer/iteration")


def test_a_name_that_is_taken_gets_a_number(trained: list[Variable]) -> None:
    optimizer = Optimizer("mine", trained)
    optimizer._variables += [Variable("mine/average"), Variable("mine/average")]
    assert list(named(optimizer, trained))[2:] == ["optimizer/average", "optimizer/average#2"]


def test_a_model_variable_in_a_list_of_the_optimizer_is_no_slot(trained: list[Variable]) -> None:
    optimizer = Optimizer("sgd", trained)
    optimizer.watched = [*trained]  # type: ignore[attr-defined]
    assert list(named(optimizer, trained)) == ["optimizer/iteration", "optimizer/learning_rate"]


def test_the_end_of_fit_is_the_end_of_training_only_outside(trained: list[Variable]) -> None:
    optimizer = Optimizer("sgd", trained)
    with optimizers.unfinished(optimizer):
        assert optimizer.finalize_variable_values(trained) is None  # type: ignore[attr-defined]
    assert not hasattr(optimizer, "finalize_variable_values")


def test_a_slot_that_begins_as_its_variable_follows_it() -> None:
    weights, zeros, other = np.array([1.0, 2.0]), np.zeros(2), np.array([3.0, 4.0])
    slots = {"dense/kernel/momentum": weights, "dense/bias/momentum": zeros, "optimizer/iteration": np.array(0)}
    begun = {"dense/kernel": weights, "dense/bias": zeros}
    started = optimizers.starting(slots, begun, {"dense/kernel": other, "dense/bias": other})
    assert np.array_equal(started["dense/kernel/momentum"], other)
    assert np.array_equal(started["dense/bias/momentum"], zeros) and started["optimizer/iteration"] == 0


@pytest.mark.parametrize(
    ("constants", "rounded"),
    [({"beta_2": 0.999, "beta_1": 0.9}, 1.2875e-5), ({"momentum": 0.5, "rate": 1e-3, "name": "0.999"}, 0.0), ({}, 0.0)],
)
def test_a_constant_near_one_is_rounded_by_float32_where_it_is_subtracted(
    trained: list[Variable], constants: dict[str, object], rounded: float
) -> None:
    optimizer = Optimizer("nadam", trained)
    vars(optimizer).update(constants)
    assert optimizers.rounded_constants(optimizer) == pytest.approx(rounded, rel=1e-3)


@pytest.mark.parametrize(("averages", "shared", "told"), [(True, True, "1"), (True, False, ""), (False, True, "")])
def test_averages_that_share_arrays_with_weights_are_told(
    monkeypatch: pytest.MonkeyPatch, averages: bool, shared: bool, told: str
) -> None:
    weight = SimpleNamespace(value=np.ones(3))
    average = SimpleNamespace(value=weight.value if shared else np.ones(3))
    other = SimpleNamespace(value=np.ones(3))
    state = {"dense/kernel/average": average, "dense/kernel/momentum": other}
    written: list[object] = []
    monkeypatch.setattr(optimizers, "slots", lambda model: state)
    monkeypatch.setattr(optimizers, "leaves", lambda optimizer: [SimpleNamespace(use_ema=averages)])
    monkeypatch.setattr(models, "read", lambda state: dict.fromkeys(state, 1.0))
    monkeypatch.setattr(models, "write", lambda state, values: written.append(values))
    found = optimizers.separate(SimpleNamespace(optimizer=None, trainable_variables=[weight]))
    assert found == ({SHARED_AVERAGES: told} if told else {})
    assert bool(written) is averages, "averages get arrays of their own"


@pytest.mark.parametrize(("given", "names"), [(re.compile("a|b"), "a|b"), ("a|b", "a|b"), (None, "")])
def test_names_that_weight_decay_leaves_out_are_one_expression(given: object, names: str, trained: list[Variable]) -> None:
    inner, outer = Optimizer("sgd", trained), Optimizer("loss_scale_optimizer", trained)
    outer.inner_optimizer = inner  # type: ignore[attr-defined]
    inner._exclude_from_weight_decay_pattern = given  # type: ignore[attr-defined]
    assert optimizers.undecayed_names(Model(trained, outer)) == names
