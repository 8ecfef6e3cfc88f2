"""The parts that the difference of a check can be composed of."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from suite import compare
from suite.artifacts import names
from suite.plan.strategies import PER_REPLICA
from suite.records import Cause, Code, Component, Floats, Link, Manifest, Status, Tensor, TensorGroup
from suite.results.check_parts import predicted, relevant, replica_by_design, saved_by_design
from tests.explain.run_folders import Folder, configuration

BY_DESIGN = Cause(code="by-design")


def part(link: Link, *quantities: str) -> Component:
    return Component(link=link, environment="torch", distances=dict.fromkeys(quantities, 0.1), causes=(BY_DESIGN,))


STRATEGY = part(Link.STRATEGY, compare.WEIGHTS, compare.PREDICTIONS)
BACKEND = part(Link.BACKEND, compare.PREDICTIONS)
FILE = part(Link.FILE, compare.WEIGHTS)


def left(kind: str, *parts: Component, apart: tuple[str, ...] = ()) -> list[Floats]:
    return [one.distances for one in relevant(parts, kind, apart)]


def test_between_replicas_a_strategy_counts_in_everything() -> None:
    assert left("replica", STRATEGY) == [STRATEGY.distances]


def test_a_file_holds_what_training_left_right_or_wrong() -> None:
    assert left("saved", STRATEGY, FILE) == [{compare.PREDICTIONS: 0.1}, FILE.distances]


def test_a_file_that_was_loaded_with_a_different_state_explains_what_it_predicts() -> None:
    assert left("reloaded", BACKEND, FILE) == [BACKEND.distances, FILE.distances]
    assert left("reloaded", BACKEND, FILE, apart=(compare.WEIGHTS, compare.PREDICTIONS)) == [{}, FILE.distances]
    assert left("saved", BACKEND, apart=(compare.PREDICTIONS,)) == [BACKEND.distances]


CENTER = Tensor(name="center/mean", shape=(1,), dtype="float64", group=TensorGroup.OTHER, layer="center")
MOVING = Tensor(name="norm/moving_mean", shape=(1,), dtype="float64", group=TensorGroup.MOVING_MEAN, layer="norm")


def by_design(
    path: Path, *, center: tuple[float, float], moving: tuple[float, float] = (1.0, 1.0), predicted: float = 1.5
) -> tuple[list[Component], list[Component]]:
    """Of a file, and of a replica, where the oracle's two replicas end with these values; its live model predicts
    `predicted` for what its file predicts 1."""
    made = Folder(path, ["torch"], devices=(2,), declared={2: PER_REPLICA})
    run = next(run for run in made.plan.runs if run.emulates and run.configuration.devices == 2)
    manifest = Manifest(
        run=run.id, status=Status.STARTED, tensors=(CENTER, MOVING), steps=(0, 1), predicted=(1,), replicas=2
    )
    with made.store.run(run).recording(manifest) as recorded:
        for index in range(2):
            state = {CENTER.name: np.array([center[index]]), MOVING.name: np.array([moving[index]])}
            recorded.add(names.replica(index), state)
        recorded.add(names.predictions(1), {"output": np.full((2, 1), predicted), "replica": np.arange(2, dtype=np.int32)})
        recorded.add(names.SAVED_PREDICTIONS, {"output": np.ones((2, 1))})
        recorded.add(names.EVALUATION, {"loss": np.array([2.0])})
        recorded.add(names.SAVED_EVALUATION, {"loss": np.array([1.0])})
    folder, where = made.read(), configuration("torch", 2)
    oracle = folder.complete(run)
    assert not isinstance(oracle, str)
    subject = compare.Subject(plain=oracle, oracle=oracle, outputs="values")
    none = Status.FAILED, "it was not loaded"
    return list(saved_by_design(folder, where, subject, none)), list(replica_by_design(folder, where, subject, 1))


def told(parts: list[Component]) -> dict[str, str]:
    return {name: value for part in parts for cause in part.causes for name, value in cause.detail}


def test_what_replicas_predict_with_is_measured_and_named(tmp_path: Path) -> None:
    file, replica = by_design(tmp_path, center=(1.0, 2.0))
    assert told(file)["state"] == told(replica)["state"] == "center/mean"
    assert [(name, value > 0.1) for part in file for name, value in part.distances.items()] == [
        (compare.PREDICTIONS, True),
        (compare.EVALUATION, True),
    ]
    assert {name: value for part in replica for name, value in part.distances.items()}[compare.OTHER] == 0.5


def test_state_that_is_equal_or_that_no_prediction_reads_makes_no_file_differ(tmp_path: Path) -> None:
    for place, (center, output) in enumerate((((1.0, 1.0), 1.5), ((1.0, 2.0), 1.0))):
        file, _ = by_design(tmp_path / str(place), center=center, predicted=output)
        assert told(file) == {"live evaluation": "mean of replica means"}


def test_moving_statistics_of_each_replica_need_no_other_state(tmp_path: Path) -> None:
    file, replica = by_design(tmp_path, center=(1.0, 1.0), moving=(1.0, 2.0))
    assert told(file) == {"live predictions": "own statistics of each replica", "saved": "first replica"}
    assert told(replica) == {"moving statistics": "per replica"}


OFF, EITHER = Cause(code=Code.UNKNOWN, subject="jax"), Cause(code=Code.HALFWAY, detail=(("layer", "resize (Resizing)"),))


@pytest.mark.parametrize(
    ("size", "backend", "causes"),
    [
        (1e-3, (EITHER,), (OFF, EITHER)),
        (5e-9, (EITHER,), (EITHER,)),  # what float32 rounds in a layer explains nothing that has another reason
        (5e-9, (), (OFF,)),
    ],
)
def test_a_run_that_is_off_explains_what_its_file_predicts_elsewhere_if_it_is_off_by_more_than_rounding(
    tmp_path: Path, size: float, backend: tuple[Cause, ...], causes: tuple[Cause, ...]
) -> None:
    here, there = configuration("jax"), configuration("torch")
    parts = {
        here: Component(link=Link.STRATEGY, environment="jax", distances={compare.WEIGHTS: size}, causes=(OFF,)),
        there: Component(link=Link.STRATEGY, environment="torch", distances={compare.WEIGHTS: 0.0}),
    }
    backends = SimpleNamespace(
        alone={"jax": here, "torch": there},
        agreement=SimpleNamespace(differ=lambda *_: bool(backend)),
        parting=lambda *_: SimpleNamespace(causes=backend),
    )
    folder = Folder(tmp_path, ["jax", "torch"]).read()
    composition: Any = SimpleNamespace(folder=folder, strategy=parts.__getitem__, backends={"s": backends})
    assert predicted(here, "torch", composition).causes == causes
