"""What is wrong with the phases of a scenario is said, and what they train together is added up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from scenarios.article_mlp import SCENARIO
from suite.plan.validation import valid_scenario
from suite.records import BrokenPlugin, Phase, Scenario


def freeze(model: Any) -> None:
    model.trainable = False


def phased(*phases: Phase, **changes: Any) -> Scenario:
    return valid_scenario(replace(SCENARIO, phases=phases, **changes))


def test_the_steps_or_epochs_of_all_phases_are_those_of_the_scenario() -> None:
    steps = phased(Phase(steps=5), Phase(prepare=freeze, compile=False, steps=7))
    assert (steps.steps, steps.epochs) == (12, 0)
    epochs = phased(Phase(epochs=1), Phase(prepare=freeze, epochs=3, callbacks=list), shuffle=True)
    assert (epochs.epochs, epochs.shuffle) == (4, True)
    assert valid_scenario(epochs) == epochs
    assert valid_scenario(SCENARIO) == SCENARIO


@pytest.mark.parametrize(
    ("phases", "changes", "words"),
    [
        (("freeze",), {}, "phases is ('freeze',), wanted a tuple of suite.Phase"),
        ([Phase(steps=1)], {}, "wanted a tuple of suite.Phase"),
        ((Phase(),), {}, "phase 1 has steps 0 and epochs 0, wanted a whole number for one of them"),
        ((Phase(steps=1, epochs=1),), {}, "phase 1 has steps 1 and epochs 1, wanted"),
        ((Phase(steps=1), Phase(steps=cast(Any, "2"))), {}, "phase 2 has steps '2' and epochs 0, wanted"),
        ((Phase(steps=1), Phase(epochs=1)), {}, "some phases have steps and others epochs"),
        ((Phase(steps=1, compile=False),), {}, "phase 1 has compile=False, and nothing has compiled the model before"),
        (
            (Phase(steps=1), Phase(steps=1, prepare=cast(Any, "freeze"))),
            {},
            "phase 2 has prepare 'freeze', wanted a function",
        ),
        (
            (Phase(steps=1), Phase(steps=1, compile=False, optimizer=list)),
            {},
            "phase 2 has an optimizer and compile=False, which goes on with the one before",
        ),
        ((Phase(steps=1, callbacks=list),), {}, "phase 1 counts steps, and callbacks need epochs"),
        ((Phase(steps=1),), {"steps": 7}, "steps is 7 beside phases, which have their own: leave it out"),
        ((Phase(epochs=2),), {"epochs": 3}, "epochs is 3 beside phases, which have their own: leave it out"),
        ((Phase(steps=1),), {"last_batch": 3}, "last_batch does not go with phases"),
        ((Phase(steps=2),), {"steps_per_execution": 2}, "steps_per_execution does not go with phases"),
    ],
)
def test_what_is_wrong_with_phases_is_said(phases: Any, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BrokenPlugin) as refused:
        valid_scenario(replace(SCENARIO, phases=phases, **changes))
    assert words in str(refused.value)
