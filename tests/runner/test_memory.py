"""What layers keep from one batch to the next: which layers, that it is forgotten, and whether it was kept at all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite.records import MEMORY, MEMORY_LOST
from suite.runner import keras_versions, memory
from tests.runner.fake_keras import Variable


class Recurrent:
    """A layer with this state, as Keras's recurrent ones."""

    def __init__(self, name: str, *, stateful: bool, values: tuple[float, ...]) -> None:
        self.name, self.stateful = name, stateful
        self.states = [Variable(f"{name}/state", np.full(3, value)) for value in values]

    def reset_state(self) -> None:
        for one in self.states:
            one.assign(np.zeros(3))


@pytest.fixture(autouse=True)
def flat_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    def flatten(tree: Any) -> list[Any]:
        return list(tree)

    monkeypatch.setattr(keras_versions, "tree", lambda: SimpleNamespace(flatten=flatten))


def test_only_layers_that_are_stateful_keep_something_and_all_of_them_forget() -> None:
    kept, other = Recurrent("kept", stateful=True, values=(2.0, 3.0)), Recurrent("other", stateful=False, values=(4.0,))
    layers = [kept, other, SimpleNamespace(name="dense"), SimpleNamespace(name="cell", stateful=True)]
    assert memory.keeping(layers) == [kept]
    memory.forget(layers)
    assert [one.numpy().tolist() for one in kept.states] == [[0.0] * 3] * 2
    assert other.states[0].numpy().tolist() == [4.0] * 3


def test_a_layer_whose_whole_state_is_zero_after_training_has_kept_nothing() -> None:
    lost, half = Recurrent("lost", stateful=True, values=(0.0, 0.0)), Recurrent("half", stateful=True, values=(0.0, 1.0))
    unbuilt = Recurrent("unbuilt", stateful=True, values=())
    assert memory.facts([unbuilt]) == {}
    assert memory.facts([half, unbuilt]) == {MEMORY: "half"}
    assert memory.facts([lost, half], ["scale"]) == {MEMORY: "half", MEMORY_LOST: "lost, scale"}


def test_where_torch_cannot_train_what_keeps_a_state_the_layer_and_what_avoids_it_are_named() -> None:
    layers = [Recurrent("gru", stateful=True, values=(1.0,)), Recurrent("plain", stateful=False, values=())]

    def raising(message: str, layers: list[Recurrent]) -> str:
        with pytest.raises(RuntimeError) as caught, memory.explained(layers):
            raise RuntimeError(message)
        return str(caught.value)

    in_place = f"one of the variables needed for gradient computation has been {memory.IN_PLACE}: [4, 4]"
    said = raising(in_place, layers)
    assert said.startswith("torch cannot train gru: ") and said.endswith("(known defect K-58). use_cudnn=False avoids it")
    assert raising(in_place, layers[1:]) == in_place
    assert raising("out of memory", layers) == "out of memory"
