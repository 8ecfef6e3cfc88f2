"""A training step of a model's own, taken for its gradients: what reaches the optimizer, in the order of what is trained."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite.records import Deviation
from suite.runner import models
from suite.runner.oracle import own_steps
from suite.runner.oracle.programs import Programs
from suite.runner.oracle.update import Updated, in_order, restore, updated
from suite.runner.outcome import Unsupported
from tests.runner import fake_keras


class Variable(fake_keras.Variable):
    @property
    def value(self) -> Any:
        return self._value


class Optimizer(fake_keras.Optimizer):
    scale = 1.0
    applied = 0
    built = True

    @property
    def variables(self) -> list[Any]:
        return self._variables

    def scale_loss(self, loss: float) -> float:
        return loss * self.scale

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        self.applied += 1

    def apply_gradients(self, pairs: Any) -> None:
        self.apply(*zip(*pairs, strict=True))


class Model(fake_keras.Model):
    """Two trained variables, and the training step that a test gives it."""

    optimizer: Optimizer

    def __init__(self, step: Callable[[Any, Any], Any]) -> None:
        self.trainable_variables = [Variable("dense/kernel"), Variable("dense/bias")]
        super().__init__(list(self.trainable_variables), Optimizer("sgd", []))
        self.step, self.resets = step, 0

    def train_step(self, data: Any) -> Any:
        return self.step(self, data)

    def reset_metrics(self) -> None:
        self.resets += 1


@pytest.fixture(autouse=True)
def keras(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    named = SimpleNamespace(backend=lambda: "torch")  # keras.backend.backend()
    utils = SimpleNamespace(pack_x_y_sample_weight=lambda *parts: tuple(one for one in parts if one is not None))
    found = SimpleNamespace(**vars(fake_keras.KERAS), backend=named, utils=utils)
    monkeypatch.setitem(sys.modules, "keras", found)
    return found


def taken(model: Model, *updates: Updated) -> tuple[Any, Any]:
    return own_steps.taken(
        model, {"data": {"x": "rows", "y": None}}, lambda given: given["data"], Programs(), "key", updates
    )


def gradients(model: Model) -> list[Any]:
    """In the order of what is trained, of the first time that the step hands over."""
    loss, handed = taken(model)
    assert loss is None
    return in_order(model, [handed])


def test_a_step_is_taken_until_it_hands_over_and_nothing_is_updated() -> None:
    seen = []

    def step(model: Model, data: Any) -> dict[str, float]:
        seen.append(data)
        model.optimizer.apply([1.0, 2.0], model.trainable_variables)
        pytest.fail("what follows is done to what the update has come to")

    model = Model(step)
    assert gradients(model) == [1.0, 2.0]
    assert seen == [("rows",)]
    assert (model.resets, model.optimizer.applied) == (1, 0)
    model.optimizer.apply([1.0, 2.0])
    assert model.optimizer.applied == 1, "the optimizer is as it was"


def test_gradients_come_in_the_order_of_the_trained_variables() -> None:
    def step(model: Model, data: Any) -> None:
        kernel, bias = model.trainable_variables
        model.optimizer.apply_gradients([(2.0, bias.value), (1.0, kernel)])

    assert gradients(Model(step)) == [1.0, 2.0]


def test_a_variable_without_a_gradient_has_none() -> None:
    def step(model: Model, data: Any) -> None:
        model.optimizer.apply([2.0], model.trainable_variables[1:])

    assert gradients(Model(step)) == [None, 2.0]


def test_the_scale_of_a_loss_is_taken_back() -> None:
    def step(model: Model, data: Any) -> None:
        model.optimizer.scale = 4.0
        model.optimizer.apply([8.0, 2.0])

    assert gradients(Model(step)) == [2.0, 0.5]


@pytest.mark.parametrize("handed", [[1.0], [1.0, 2.0, 3.0]])
def test_what_is_not_of_the_trained_variables_is_not_emulated(handed: list[float]) -> None:
    def step(model: Model, data: Any) -> None:
        model.optimizer.apply(handed)

    with pytest.raises(Unsupported, match="of other variables"):
        taken(Model(step))


def test_a_gradient_of_a_variable_that_is_not_trained_is_not_emulated() -> None:
    def step(model: Model, data: Any) -> None:
        model.optimizer.apply([1.0], [Variable("elsewhere")])

    with pytest.raises(Unsupported, match="other variables"):
        taken(Model(step))


def test_a_step_that_updates_by_itself_is_not_emulated() -> None:
    with pytest.raises(Unsupported, match="never hands gradients to an optimizer of the model"):
        taken(Model(lambda model, data: {"loss": 1.0}))


def averaging(model: Model, data: Any) -> dict[str, float]:
    """Sets a rate, updates, then moves a bias to what the kernel is by then."""
    kernel, bias = model.trainable_variables
    model.optimizer.variables[1].assign(0.5)
    model.optimizer.apply([1.0, None])
    bias.assign(bias.numpy() + kernel.numpy())
    return {"loss": 0.5}


def values(*variables: Variable) -> list[float]:
    return [float(one.numpy()) for one in variables]


def test_what_a_step_does_after_an_update_is_done_to_what_the_update_has_come_to() -> None:
    model = Model(averaging)
    kernel, bias = model.trainable_variables
    rate = model.optimizer.variables[1]
    kernel.assign(2.0)
    before = updated(model)
    assert taken(model)[1].optimizer is model.optimizer
    assert values(kernel, bias, rate) == [2.0, 0.0, 0.5], "as the optimizer is to update it"
    kernel.assign(7.0)
    after = updated(model)
    restore(model, before)
    assert values(kernel, bias, rate) == [2.0, 0.0, 0.1]
    assert taken(model, after) == (0.5, None)
    assert values(kernel, bias, rate) == [7.0, 7.0, 0.5]
    assert (model.resets, model.optimizer.applied) == (2, 0)


def test_each_optimizer_of_a_step_is_handed_its_own() -> None:
    def step(model: Model, data: Any) -> dict[str, float]:
        kernel, bias = model.trainable_variables
        model.optimizer.apply([1.0], [kernel])
        model.second.apply([float(kernel.numpy())], [bias])  # type: ignore[attr-defined]
        return {"loss": 0.5}

    model = Model(step)
    kernel, bias = model.trainable_variables
    model.second = Optimizer("second", [bias])  # type: ignore[attr-defined]
    first = taken(model)[1]
    assert (first.optimizer, first.variables, first.gradients) == (model.optimizer, [kernel], [1.0])
    kernel.assign(3.0)
    second = taken(model, updated(model))[1]
    assert (second.optimizer, second.variables, second.gradients) == (model.second, [bias], [3.0])  # type: ignore[attr-defined]
    assert in_order(model, [first, second]) == [1.0, 3.0]
    assert taken(model, updated(model), updated(model)) == (0.5, None)


def test_what_such_a_step_does_not_allow_is_refused_with_a_reason(keras: SimpleNamespace) -> None:
    model = Model(lambda model, data: None)
    own_steps.refuse(model, Deviation(), split=False, shares=False)
    with pytest.raises(Unsupported, match="loss be taken for each replica"):
        own_steps.refuse(model, Deviation(), split=True, shares=False)
    with pytest.raises(Unsupported, match=r"under tf\.distribute is not known here"):
        own_steps.refuse(model, Deviation(), split=False, shares=True)
    for deviation in (Deviation(regularization=0.0), Deviation(unclipped=True)):
        with pytest.raises(Unsupported, match="cannot be changed"):
            own_steps.refuse(model, deviation, split=False, shares=False)
    keras.backend.backend = lambda: "tensorflow"
    own_steps.refuse(model, Deviation(), split=False, shares=True)
    model.fast = Optimizer("adam", [])  # type: ignore[attr-defined]
    own_steps.refuse(model, Deviation(), split=False, shares=True)
    keras.backend.backend = lambda: "jax"
    with pytest.raises(Unsupported, match="several optimizers, on JAX"):
        own_steps.refuse(model, Deviation(), split=False, shares=False)


def test_gradients_that_variables_hold_are_forgotten() -> None:
    held, without = SimpleNamespace(value=SimpleNamespace(grad=3.0)), SimpleNamespace(value=np.ones(2))
    models.forget_gradients(SimpleNamespace(trainable_variables=[held, without]))
    assert held.value.grad is None
