"""Where backends part in a gradient, recorded calls show which layer computes another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suite.explain import layer_gradients
from suite.records import Place, RecordedCall
from tests.explain.parted_backends import APART, parted
from tests.explain.run_folders import Folder, RecordedArrays, layerwise

Arrays = dict[str, np.ndarray]

OFF: Arrays = {"gradient|input/0": np.array([[3.0, 0.0]])}
OFF_IN_WEIGHT: Arrays = {"gradient|weight/scale": np.array([1.0, 1.5])}


def call(changed: Arrays, name: str = "gate") -> RecordedArrays:
    """A recorded call of a layer of anybody, with these arrays changed."""
    made = {
        "input|0": np.array([[1.0, 2.0]]),
        "weight|scale": np.array([3.0, 4.0]),
        "output|0": np.array([[3.0, 8.0]]),
        "cotangent|0": np.array([[1.0, 0.5]]),
        "gradient|input/0": np.array([[3.0, 2.0]]),
        "gradient|weight/scale": np.array([1.0, 1.0]),
    }
    return RecordedCall(state="0", kind="layer", name=name, of="Gate", own=False), made | changed


def found(path: Path, first: list[RecordedArrays], second: list[RecordedArrays]) -> Place | None:
    folder = Folder(path, ["torch", "jax"])
    folder.recorded("torch", first)
    folder.recorded("jax", second)
    read = folder.read()
    torch, jax = (read.further(layerwise(name)) for name in ("torch", "jax"))
    assert not isinstance(torch, str) and not isinstance(jax, str)
    return layer_gradients.apart(torch, jax)


def test_equal_calls_are_not_apart(tmp_path: Path) -> None:
    assert found(tmp_path, [call({})], [call({})]) is None


@pytest.mark.parametrize(("off", "tensor"), [(OFF, "gate"), (OFF_IN_WEIGHT, "gate/scale"), (OFF | OFF_IN_WEIGHT, "gate")])
def test_the_layer_is_named_or_its_weight(tmp_path: Path, off: Arrays, tensor: str) -> None:
    calls = [[call({}, "before"), call(one, "gate#2"), call({}, "after")] for one in ({}, off)]
    place = found(tmp_path, *calls)
    assert place is not None and (place.stage, place.tensor, place.state) == ("gradient", tensor, "0")
    assert place.size > 0.1


def test_of_several_the_last_one_is_named_because_gradients_come_from_behind(tmp_path: Path) -> None:
    place = found(tmp_path, [call({}, "a"), call({}, "b")], [call(OFF, "a"), call(OFF, "b")])
    assert place is not None and place.tensor == "b"


@pytest.mark.parametrize("given", [np.array([[1.0, 2.1]]), np.ones((2, 2))])
def test_what_gets_other_numbers_is_not_blamed(tmp_path: Path, given: np.ndarray) -> None:
    assert found(tmp_path, [call({})], [call(OFF | {"input|0": given})]) is None


def test_a_random_layer_that_draws_other_numbers_is_not_blamed(tmp_path: Path) -> None:
    assert found(tmp_path, [call({})], [call(OFF | {"output|0": np.array([[3.0, 0.0]])})]) is None


def test_rounding_and_gradients_of_nothing_are_not_apart(tmp_path: Path) -> None:
    rounded = {"gradient|input/0": np.array([[3.0, 2.0]]) * (1 + 1e-15)}
    assert found(tmp_path / "a", [call({})], [call(rounded)]) is None
    nothing, almost = ({"gradient|weight/scale": np.array(one)} for one in ([1e-18, 0.0], [-1e-18, 1e-19]))
    assert found(tmp_path / "b", [call(nothing)], [call(almost)]) is None


def test_a_gradient_that_is_nan_on_one_side_is_apart(tmp_path: Path) -> None:
    lost = {"gradient|input/0": np.array([[3.0, np.nan]])}
    place = found(tmp_path / "one", [call({})], [call(lost)])
    assert place is not None and place.size == 1.0
    assert found(tmp_path / "both", [call(lost)], [call(lost)]) is None


def test_two_backends_part_in_the_layer_and_not_in_the_weights_before_it(tmp_path: Path) -> None:
    made = parted(tmp_path, {"forward|dense": 0.0, "gradient|dense/kernel": 1e-2}, torch=1.0, jax=1.0 + APART)
    place = made.backends().parting("torch", "jax").place
    assert place is not None and place.tensor == "dense/kernel", "nothing else is known yet"
    made.recorded("torch", [call({})])
    made.recorded("jax", [call(OFF)])
    place = made.backends().parting("torch", "jax").place
    assert place is not None and (place.stage, place.tensor) == ("gradient", "gate")


def test_a_difference_in_the_outputs_begins_there_whatever_gradients_do(tmp_path: Path) -> None:
    made = parted(tmp_path, {"forward|dense": 1e-2}, torch=1.0, jax=1.0 + APART)
    made.recorded("torch", [call({})])
    made.recorded("jax", [call(OFF)])
    place = made.backends().parting("torch", "jax").place
    assert place is not None and (place.stage, place.tensor) == ("forward", "dense")
