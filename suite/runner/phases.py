"""The phases of a training, entered one after another with one model: prepared, compiled or not, and trained on.

Keras says that what is trained is settled when a model is compiled. Its trainers do not agree on that: some read it in every
step. So a phase that is prepared and not compiled is entered as a user's script does it, and what each backend makes of it
is compared.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, final

from suite.records import BatchNorm, Phase, Scenario, Tensor, TensorGroup
from suite.runner import building, exact_constants, models, optimizers, python_state
from suite.runner.exact_constants import Constants

TRAINED = "_trainable"  # private: the public property sets that of everything inside, too


def of(scenario: Scenario) -> tuple[Phase, ...]:
    """The phases of a scenario; one that says nothing of them has a single one."""
    return scenario.phases or (Phase(),)


@final
@dataclass(kw_only=True)
class Phases:
    """A built model that goes through the phases of its scenario. `entered`: the one that it is in; -1 before the first.

    `scope`: what is entered while a model is changed; `adapt`: what is done whenever it was compiled. `slots`: the
    optimizer's variables in every phase so far, by name. `settled`: whether what is trained stays as it was when the model
    was compiled, whatever a phase without `compile` does to that, as Keras documents it.
    """

    model: Any
    scenario: Scenario
    constants: Constants
    precision: str
    scope: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext
    adapt: Callable[[], None] = lambda: None
    settled: bool = False
    entered: int = -1
    slots: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start, self.in_python = trained_settings(self.model), python_state.held(self.model)
        self.compiled = trained_settings(self.model)

    def begin(self, tensors: Sequence[Tensor] = ()) -> None:
        """Enters the first phase, again after others: with the layers as they were built, and compiled anew."""
        if self.entered > -1:
            with self.scope():
                self.start.restore()
                python_state.put_back(self.in_python)
        self.entered = -1
        self.enter(0, tensors)

    def reach(self, index: int, tensors: Sequence[Tensor] = ()) -> None:
        """Enters the phases up to this one that were not entered yet."""
        for each in range(self.entered + 1, index + 1):
            self.enter(each, tensors)

    def enter(self, index: int, tensors: Sequence[Tensor] = ()) -> None:
        """Enters the phase after the one that it is in. `tensors`: the model's, to describe the optimizer's.

        Raises:
            ValueError: its `prepare` makes a different model.
            Unsupported: the model cannot be compiled in this precision.
        """
        phase = of(self.scenario)[index]
        with self.scope():
            prepare(self.model, phase, index)
            if self.constants == "dyadic" and phase.prepare:
                exact_constants.dyadic_layers([self.model, *models.layers_of(self.model)])
            if phase.compile:
                self._compile(phase)
            elif self.settled:
                self.compiled.restore()
        if phase.compile:
            self.adapt()
        self.entered = index
        described = optimizers.slot_tensors(self.model, tuple(tensors)) if tensors else ()
        self.slots |= {tensor.name: tensor for tensor in described}

    @contextlib.contextmanager
    def named(self) -> Iterator[None]:
        """While a phase is trained: an error of the trainer names the phase, if it was not compiled."""
        try:
            yield
        except Exception as error:
            if of(self.scenario)[self.entered].compile:
                raise
            raise ValueError(
                f"phase {self.entered + 1} is not compiled, and this backend refuses to train what its prepare has changed: "
                f"{' '.join(str(error).split())[:300]}"
            ) from error

    def optimizer(self) -> Any:
        """A new optimizer, as of the last phase that was compiled."""
        compiled = [phase for phase in of(self.scenario)[: self.entered + 1] if phase.compile]
        return (compiled[-1].optimizer or self.scenario.optimizer)()

    def _compile(self, phase: Phase) -> None:
        optimizer = phase.optimizer or self.scenario.optimizer
        building.compile_model(
            self.model, self.scenario, constants=self.constants, precision=self.precision, optimizer=optimizer
        )
        self.compiled = trained_settings(self.model)


def prepare(model: Any, phase: Phase, index: int) -> None:
    """What a phase changes of the model.

    Raises:
        ValueError: it makes a different one.
    """
    if phase.prepare is None:
        return
    before = {name: id(variable) for name, variable in models.variables(model).items()}
    returned = phase.prepare(model)
    after = {name: id(variable) for name, variable in models.variables(model).items()}
    if returned is not None or before != after:
        new = "returned a model of its own" if returned is not None else "gave the model other variables"
        raise ValueError(
            f"prepare of phase {index + 1} {new}, wanted the same model with other settings: what is trained later must be "
            "built by model()"
        )


@dataclass(kw_only=True)
class Settings:
    """What layers hold at one moment. `held`: the attributes of each, with those that are kept; `variables`: whether each is
    trained."""

    held: list[tuple[dict[str, Any], dict[str, Any]]]
    variables: list[tuple[Any, bool]]

    def restore(self) -> None:
        """Puts it back."""
        for attributes, values in self.held:  # straight into the instance: Keras tracks what is set as an attribute
            attributes.update(values)
        for variable, trained in self.variables:
            variable.trainable = trained


def trained_settings(model: Any) -> Settings:
    """What is trained, and nothing else."""
    held = [vars(layer) for layer in (model, *models.layers_of(model))]
    return Settings(
        held=[(attributes, {TRAINED: attributes[TRAINED]}) for attributes in held],
        variables=[(variable, variable.trainable) for variable in models.variables(model).values()],
    )


def described(each: Sequence[Sequence[Tensor]]) -> tuple[Tensor, ...]:
    """The model's tensors by what they do in a whole training, from what they do in each phase: one that is trained in any
    is trained, and a bias whose gradient is zero in any is neutral."""
    found = []
    for of_phases in zip(*each, strict=True):
        groups = [tensor.group for tensor in of_phases]
        trained = [group for group in groups if group is not TensorGroup.OTHER]
        neutral = TensorGroup.NEUTRAL_BIAS in trained
        group = TensorGroup.NEUTRAL_BIAS if neutral else next(iter(trained), TensorGroup.OTHER)
        found.append(replace(of_phases[0], group=group))
    return tuple(found)


def normalizations(each: Sequence[Sequence[BatchNorm]]) -> tuple[BatchNorm, ...]:
    """The model's batch normalizations, from what they are in each phase: one that is trained in any is trained."""
    return tuple(replace(norms[0], trainable=any(norm.trainable for norm in norms)) for norms in zip(*each, strict=True))


def manifest(phases: Phases, ends: Sequence[int]) -> dict[str, Any]:
    """What the manifest of a run says of its phases, which ended after these steps; nothing where it has none."""
    return {"phases": tuple(ends), "slots": tuple(phases.slots.values())} if phases.scenario.phases else {}


def compiled(scenario: Scenario, ends: Sequence[int], step: int) -> bool:
    """Whether the phase that a training is in after so many steps was compiled. `ends`: those after which phases ended."""
    return of(scenario)[reached(ends, step)].compile


def reached(ends: Sequence[int], step: int) -> int:
    """The phase that a training is in after so many steps: one that is over has not been left yet."""
    return sum(end < step for end in ends[:-1])
