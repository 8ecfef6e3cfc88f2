"""The states that single-step comparison starts from, and when a tapped step is believed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scenarios.article_mlp import SCENARIO
from suite.artifacts.artifact import Artifact
from suite.plan.batches import schedule
from suite.records import Manifest, Status, Tensor, TensorGroup
from suite.runner.single_step import starting_states
from suite.runner.single_step.passes import changed


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ((), ()),
        ((0,), ("0", "saturated")),
        ((0, 5), ("0", "5", "saturated")),
        ((0, 1, 2, 5, 10), ("0", "1", "2", "5", "10", "saturated")),
        ((0, 1, 2, 5, 10, 19, 50, 100, 200), ("0", "1", "2", "19", "100", "200", "saturated")),
        ((0, 1, 2, 5, 10, 20, 50, 60), ("0", "1", "2", "20", "60", "saturated")),
        ((30, 60), ("30", "60")),
    ],
)
def test_states_are_the_first_ones_the_judged_a_middle_and_the_last(
    stored: tuple[int, ...], expected: tuple[str, ...]
) -> None:
    assert starting_states.states(stored) == expected
    assert starting_states.states(stored[::-1]) == expected


def test_a_state_is_stored_where_weights_and_optimizer_are() -> None:
    manifest = Manifest(
        run="a",
        status=Status.COMPLETE,
        steps=(0, 1, 5),
        files={"optimizer-0.safetensors": "", "optimizer-5.safetensors": ""},
    )
    assert starting_states.stored(manifest) == (0, 5)


def test_the_batch_is_the_one_that_the_run_takes_next_and_wraps_around() -> None:
    trained = schedule(SCENARIO, 100, 20)
    assert starting_states.batch("saturated", trained).tolist() == list(range(64))
    assert starting_states.batch("1", trained).tolist() == [*range(64, 100), *range(28)]


def test_the_state_before_an_uneven_batch_is_one_of_them() -> None:
    uneven = replace(SCENARIO, last_batch=5)
    trained = schedule(uneven, 1000, 7)
    assert (schedule(SCENARIO, 1000, 7).uneven, trained.uneven) == (None, 6)
    assert starting_states.states((0, 1, 2, 5, 6, 7), 6) == ("0", "1", "2", "6", "7", "saturated")
    assert starting_states.states((0, 1, 2, 5, 7), 6) == ("0", "1", "2", "7", "saturated"), "it was not stored"
    assert starting_states.batch("6", trained).tolist() == list(range(384, 389))
    assert [len(starting_states.batch(state, trained)) for state in ("0", "5", "7", "saturated")] == [64] * 4
    assert len(starting_states.batch("saturated", schedule(uneven, 1000, 1))) == 64


def test_the_saturated_state_is_the_first_with_a_larger_head(tmp_path: Path) -> None:
    tensors = (
        Tensor(name="out/kernel", shape=(2, 1), dtype="float32", group=TensorGroup.OUTPUT_LAYER, layer="out"),
        Tensor(name="out/bias", shape=(1,), dtype="float32", group=TensorGroup.OUTPUT_LAYER, layer="out"),
        Tensor(name="in/kernel", shape=(2, 2), dtype="float32", group=TensorGroup.KERNEL, layer="in"),
    )
    start = {tensor.name: np.full(tensor.shape, 0.1, np.float32) for tensor in tensors}
    trajectory = Artifact(tmp_path / "run")
    trajectory.begin(Manifest(run="a", status=Status.STARTED))
    for step in (0, 5):
        trajectory.add(f"step-{step}", {name: value + np.float32(step) for name, value in start.items()})
        trajectory.add(f"optimizer-{step}", {"iteration": np.array(step)})
    values, slots = starting_states.before(trajectory, "saturated", tensors)
    assert {name: float(value.ravel()[0]) for name, value in values.items()} == pytest.approx(
        {"out/kernel": 1.0, "out/bias": 0.1, "in/kernel": 0.1}
    )
    assert {value.dtype for value in values.values()} == {np.dtype(np.float32)}
    # A scalar comes back as one: a step counter of shape (1,) could not be given to an optimizer.
    assert (slots["iteration"].shape, int(slots["iteration"])) == ((), 0)
    assert float(starting_states.before(trajectory, "5", tensors)[0]["out/bias"][0]) == pytest.approx(5.1)


def test_a_tapped_step_is_believed_if_it_leaves_the_same_weights() -> None:
    single, double = np.ones(3, np.float32), np.ones(3)
    nearly = np.nextafter(single, np.float32(2))
    assert changed({"a": single}, {"a": single.copy()}, set()) == ""
    assert (
        changed({"a": nearly}, {"a": single}, set())
        == "a step with taps leaves a different a (1.2e-07 of it) than one without"
    )
    assert changed({"a": double + 5e-14}, {"a": double}, set()) == ""
    assert changed({"a": double + 5e-13}, {"a": double}, set()).startswith("a step with taps leaves a different a")
    assert changed({"a": double * np.nan}, {"a": double}, set()).startswith("a step with taps leaves a different a")


def test_a_gradient_of_exactly_zero_does_not_refuse_a_tapped_step_in_float64() -> None:
    noise, other = np.full(2, 1e-17), np.full(2, -1e-17)
    assert changed({"bias": noise}, {"bias": other}, {"bias"}) == ""
    assert changed({"bias": noise.astype(np.float32)}, {"bias": other.astype(np.float32)}, {"bias"}) != ""
