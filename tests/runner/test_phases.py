"""What is trained is put back and held, a model that becomes another one is refused, and what phases do is added up."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from scenarios.article_mlp import SCENARIO
from suite.plan.batches import schedule
from suite.records import BatchNorm, Phase, Scenario, Tensor, TensorGroup
from suite.runner import building, models, phases, python_state


class Layer:
    """As Keras has layers: what is trained is kept by the layer, and by each of its variables."""

    def __init__(self, *names: str) -> None:
        self._trainable, self.rate, self.held = True, 0.5, [1]
        self.variables = {name: SimpleNamespace(trainable=True) for name in names}

    def freeze(self) -> None:
        self._trainable, self.rate = False, 0.0
        for variable in self.variables.values():
            variable.trainable = False


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A layer of layers, which is told what compiles it."""
    made = Layer()
    made.inside, made.compiled = [Layer("a"), Layer("b")], []  # type: ignore[attr-defined]
    monkeypatch.setattr(models, "layers_of", lambda model: model.inside)
    monkeypatch.setattr(
        models, "variables", lambda model: {name: one for layer in model.inside for name, one in layer.variables.items()}
    )
    monkeypatch.setattr(
        python_state,
        "held",
        lambda model: [one for layer in model.inside for one in python_state.of(layer, ("_trainable",))],
    )
    monkeypatch.setattr(building, "compile_model", lambda model, *_, optimizer, **__: model.compiled.append(optimizer()))
    return made


def freeze(model: Any) -> None:
    model.inside[0].freeze()


def phased(model: Any, *of: Phase, settled: bool = False) -> phases.Phases:
    scenario = replace(SCENARIO, phases=of, optimizer=lambda: "the scenario's")
    return phases.Phases(model=model, scenario=scenario, constants="own", precision="float32", settled=settled)


def trained(model: Any) -> list[bool]:
    return [
        value for layer in model.inside for value in (layer._trainable, *(v.trainable for v in layer.variables.values()))
    ]


TWO = Phase(steps=2), Phase(steps=2, prepare=freeze, optimizer=lambda: "its own")
UNCOMPILED = Phase(steps=2), Phase(steps=2, prepare=freeze, compile=False)


def test_a_training_that_begins_again_has_the_layers_as_they_were_built(model: Any) -> None:
    of = phased(model, *TWO)
    of.begin()
    of.reach(1)
    assert trained(model) == [False, False, True, True] and model.inside[0].rate == 0.0
    of.begin()
    assert trained(model) == [True] * 4 and model.inside[0].rate == 0.5
    assert model.compiled == ["the scenario's", "its own", "the scenario's"]


@pytest.mark.parametrize("settled", [True, False])
def test_without_compiling_what_is_trained_stays_only_where_it_is_settled(model: Any, settled: bool) -> None:
    of = phased(model, *UNCOMPILED, settled=settled)
    of.begin()
    of.reach(1)
    assert trained(model) == [settled, settled, True, True]
    assert model.inside[0].rate == 0.0 and model.compiled == ["the scenario's"]


def test_a_phase_that_a_trainer_refuses_is_named_if_it_was_not_compiled(model: Any) -> None:
    of = phased(model, *UNCOMPILED)
    of.begin()
    with pytest.raises(KeyError), of.named():
        raise KeyError("as it is")
    of.reach(1)
    with (
        pytest.raises(ValueError, match=r"phase 2 is not compiled, and this backend refuses to train .*: not this"),
        of.named(),
    ):
        raise RuntimeError("not this")


def returning(model: Any) -> Any:
    return model


def adding(model: Any) -> None:
    model.inside.append(Layer("c"))


@pytest.mark.parametrize(("prepare", "words"), [(returning, "returned a model of its own"), (adding, "other variables")])
def test_prepare_may_not_make_another_model(model: Any, prepare: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"prepare of phase 2 .*{words}, wanted the same model"):
        phases.prepare(model, Phase(steps=1, prepare=prepare), 1)


def tensor(group: TensorGroup) -> Tensor:
    return Tensor(name="a", shape=(), dtype="float32", group=group, layer="a")


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ((TensorGroup.OTHER, TensorGroup.KERNEL), TensorGroup.KERNEL),
        ((TensorGroup.KERNEL, TensorGroup.OTHER), TensorGroup.KERNEL),
        ((TensorGroup.KERNEL, TensorGroup.NEUTRAL_BIAS), TensorGroup.NEUTRAL_BIAS),
        ((TensorGroup.OTHER, TensorGroup.OTHER), TensorGroup.OTHER),
    ],
)
def test_a_tensor_is_what_it_is_in_any_phase(groups: tuple[TensorGroup, ...], expected: TensorGroup) -> None:
    assert [one.group for one in phases.described([[tensor(group)] for group in groups])] == [expected]


def test_a_normalization_that_is_trained_in_any_phase_is_trained() -> None:
    norm = BatchNorm(name="n", mean="m", variance="v")
    frozen = replace(norm, trainable=False)
    assert phases.normalizations([[frozen], [norm]]) == (norm,)
    assert phases.normalizations([[frozen], [frozen]]) == (frozen,)


EPOCHS = replace(SCENARIO, phases=(Phase(epochs=2), Phase(epochs=3), Phase(epochs=1)), epochs=6, batch=4)
STEPS = replace(SCENARIO, phases=(Phase(steps=2), Phase(steps=3, compile=False)), steps=5, batch=4)


@pytest.mark.parametrize(
    ("scenario", "asked", "expected"),
    [(EPOCHS, 0, (4, 10, 12)), (EPOCHS, 7, (4, 7)), (EPOCHS, 4, (4,)), (STEPS, 0, (2, 5)), (STEPS, 9, (2, 9))],
)
def test_phases_end_where_their_steps_or_epochs_do(scenario: Scenario, asked: int, expected: tuple[int, ...]) -> None:
    assert schedule(scenario, 8, asked).phases == expected


def test_a_phase_that_stops_moves_the_later_ones() -> None:
    whole = schedule(EPOCHS, 8)
    stopped = whole.stopped(6)
    assert (stopped.phases, stopped.epochs, stopped.whole) == ((4, 6, 8), (2, 4, 6, 8), 4)
    assert [one.tolist() for one in stopped.batches[6:]] == [one.tolist() for one in whole.batches[10:]]
    assert whole.stopped(10) == whole, "at its end, nothing is left out"


def test_a_whole_run_that_stops_ends_there() -> None:
    whole = schedule(replace(SCENARIO, epochs=3, batch=4), 8)
    stopped = whole.stopped(2)
    assert (stopped.phases, stopped.epochs, stopped.whole, stopped.steps) == ((), (2,), 1, 2)


def test_what_begins_and_ends_a_phase_is_kept() -> None:
    found = schedule(EPOCHS, 8)
    assert set(found.checkpoints(12)) >= {4, 5, 10, 11, 12}
    assert found.segments(12) == (4, 10, 12)
    assert found.fits(12) == (2, 4, 6, 8, 10, 12)


def test_the_phase_of_a_state_is_the_one_that_it_ends() -> None:
    assert [phases.reached((4, 10, 12), step) for step in (0, 1, 4, 5, 10, 11, 12, 13)] == [0, 0, 0, 1, 1, 2, 2, 2]
    assert [phases.compiled(STEPS, (2, 5), step) for step in (0, 2, 3, 5)] == [True, True, False, False]
    assert phases.compiled(SCENARIO, (), 9)
