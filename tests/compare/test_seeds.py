"""Seeds in files: those that something was drawn from count, and idle ones do not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suite import compare
from suite.artifacts import names
from suite.artifacts.artifact import Artifact, Complete
from suite.compare.snapshots import Snapshot, Subject
from suite.records import RANDOM_PREDICTIONS, Comparison, Manifest, Status, Tensor, TensorGroup

DROPOUT, LSTM, COUNTER = "dropout/seed_generator_state", "lstm/seed_generator_state", "custom/counter"
BEGUN = {DROPOUT: [7, 0], LSTM: [8, 0], COUNTER: [1, 0]}
ENDED = {DROPOUT: [7, 20], LSTM: [8, 0], COUNTER: [1, 0]}


def run(folder: Path, *states: Mapping[str, list[int]], **fields: Any) -> Complete:
    """A run whose steps left these states, or a file that holds one; its manifest with these fields."""
    artifact = Artifact(folder)
    tensors = tuple(
        Tensor(name=name, shape=(2,), dtype="int32", group=TensorGroup.OTHER, layer=name.partition("/")[0]) for name in BEGUN
    )
    manifest = Manifest(run="r", status=Status.STARTED, steps=tuple(range(len(states))), tensors=tensors, **fields)
    artifact.begin(manifest)
    for step, state in enumerate(states):
        artifact.add(names.step(step), {name: np.array(value, np.int32) for name, value in state.items()})
    artifact.finish(manifest)
    found = artifact.manifest()
    assert found is not None
    return artifact, found


def checked(folder: Path, loaded: Mapping[str, list[int]]) -> Comparison:
    """A run against its file, which was loaded like this."""
    live = run(folder / "live", BEGUN, ENDED)
    file = run(folder / "file", {**ENDED, **loaded})
    sides = tuple(
        Snapshot(artifact=artifact, manifest=manifest, state=names.step(step))
        for (artifact, manifest), step in ((live, 1), (file, 0))
    )
    return compare.check((sides[0], sides[1]), None, Subject(plain=live))


def distance(found: Comparison) -> float:
    (other,) = [one for one in found.distances if one.quantity == "other state"]
    return other.at[-1].plain["state"]


def test_another_seed_of_a_layer_that_draws_nothing_is_no_difference(tmp_path: Path) -> None:
    found = checked(tmp_path, {LSTM: [123, 0]})
    assert (found.renewed, found.unsaved, distance(found)) == ((), (), 0.0)


@pytest.mark.parametrize(
    ("loaded", "renewed", "unsaved"),
    [
        ({DROPOUT: [123, 0]}, (DROPOUT,), ()),
        ({DROPOUT: [7, 0]}, (), (DROPOUT,)),
        ({COUNTER: [2, 0]}, (COUNTER,), ()),  # an integer of the user's own, which training only reads
    ],
)
def test_what_was_drawn_from_and_what_is_no_seed_counts(
    tmp_path: Path, loaded: Mapping[str, list[int]], renewed: tuple[str, ...], unsaved: tuple[str, ...]
) -> None:
    found = checked(tmp_path, loaded)
    assert (found.renewed, found.unsaved, distance(found)) == (renewed, unsaved, 1.0)


def test_a_layer_that_draws_without_its_own_seed_draws_from_somewhere_else(tmp_path: Path) -> None:
    """As dropout without a seed does on torch, whose own generator no file holds."""
    found = run(tmp_path, BEGUN, {**BEGUN, LSTM: [8, 5]}, random_layers=("dropout", "lstm"))
    assert compare.drawing_elsewhere(found) == ("dropout",)
    assert compare.drawing_elsewhere(run(tmp_path / "idle", BEGUN, BEGUN, random_layers=())) == ()


@pytest.mark.parametrize(
    ("first", "second", "random"),
    [
        ("", "", (False, False)),
        ("0.2", "0.3", (True, True)),
        ("", "0.2", (False, True)),
        ("0.2", "", (True, False)),
        ("0.004", "", (True, True)),  # so small that the other's may not have shown
    ],
)
def test_a_model_that_predicts_with_random_numbers_is_known_by_a_fact(
    tmp_path: Path, first: str, second: str, random: tuple[bool, bool]
) -> None:
    a, b = (
        Subject(plain=run(tmp_path / name, BEGUN, ENDED, facts={RANDOM_PREDICTIONS: apart} if apart else {}))
        for name, apart in (("a", first), ("b", second))
    )
    assert compare.pair(a, b).random_predictions == random
    side = Snapshot(artifact=a.plain[0], manifest=a.plain[1], state=names.step(1))
    assert compare.check((side, side), None, a).random_predictions == (bool(first), bool(first))
