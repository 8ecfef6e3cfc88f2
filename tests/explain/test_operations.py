"""Which operation inside a layer makes two environments part: their recorded calls."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite.explain import definitions, operations
from suite.records import OPERATION, Environment, Place, Provisioned, RecordedCall
from tests.explain.run_folders import Folder, RecordedArrays, layerwise

ENVIRONMENTS = ("tensorflow", "jax", "torch")
READY = tuple(
    Provisioned(
        environment=Environment(name=name, backend=name), python="", digest="", reason="", packages={"keras": "3.15.1"}
    )
    for name in ENVIRONMENTS
)
Arrays = dict[str, np.ndarray]
OFF: Arrays = {"output|0": np.array([3.0, 9.0])}
OFF_BACKWARD: Arrays = {"gradient|input/0": np.array([3.0, 0.0])}
OTHER_INPUT: Arrays = {"input|0": np.array([1.0, 2.5])}


def call(changed: Arrays, of: str = "image.affine_transform", inside: str = "gate") -> RecordedArrays:
    made = {
        "input|0": np.array([1.0, 2.0]),
        "output|0": np.array([3.0, 6.0]),
        "cotangent|0": np.array([1.0, 1.0]),
        "gradient|input/0": np.array([3.0, 3.0]),
    }
    name = f"{inside}/{of}" if inside else of
    arguments = json.dumps({"images": {"input": 0}})
    return RecordedCall(state="0", kind=OPERATION, name=name, of=of, inside=inside, arguments=arguments), made | changed


def place(stage: str = "forward", tensor: str = "gate") -> Place:
    return Place(stage=stage, tensor=tensor, state="0", size=1.0, ratio=1.0)


def found(path: Path, off: list[RecordedArrays], at: Place, odd: str = "tensorflow") -> dict[str, str]:
    """What is said beside the place, if one environment makes these calls, and the others plain ones."""
    folder = Folder(path, ENVIRONMENTS)
    for name in ENVIRONMENTS:
        plain = [(one, call({}, one.of, one.inside)[1]) for one, _ in off]
        folder.recorded(name, off if name == odd else plain)
    read = folder.read(READY)
    runs = {name: [layerwise(name)] for name in sorted(ENVIRONMENTS, key=lambda name: name != odd)}
    detail = dict(operations.detail(read, runs, at))
    assert (detail.pop("stage"), detail.pop("tensor")) == (at.stage, at.tensor)
    return detail


TIED = np.array([[1.0, 3.0, 3.0, 2.0], [5.0, 4.0, 5.0, 0.0]])
FIRST, OTHER, WRONG = np.array([1, 0]), np.array([2, 2]), np.array([2, 1])


def taking(of: str, places: np.ndarray, *values: np.ndarray, **arguments: object) -> RecordedArrays:
    outputs = {f"output|{index}": one for index, one in enumerate((*values, places))}
    told = json.dumps({"x": {"input": 0}, **arguments})
    return RecordedCall(state="0", kind=OPERATION, name=f"gate/{of}", of=of, inside="gate", arguments=told), {
        "input|0": TIED,
        **outputs,
    }


@pytest.mark.parametrize(
    ("one", "other", "equals"),
    [
        (taking("argmax", FIRST, axis=-1), taking("argmax", OTHER, axis=-1), True),
        (taking("argmax", FIRST, axis=-1), taking("argmax", WRONG, axis=-1), False),
        (taking("argmax", np.array(4)), taking("argmax", np.array(6)), True),
        (taking("argmax", np.array(4)), taking("argmax", np.array(5)), False),
        (taking("argmin", FIRST[:, None], axis=1), taking("argmin", OTHER[:, None], axis=1), True),
        (taking("top_k", FIRST[:, None], TIED[:, :1], k=1), taking("top_k", OTHER[:, None], TIED[:, :1], k=1), True),
        (taking("top_k", FIRST[:, None], TIED[:, :1], k=1), taking("top_k", OTHER[:, None], TIED[:, 1:2], k=1), False),
        (taking("unique", FIRST), taking("unique", OTHER), False),
    ],
)
def test_another_of_equal_numbers_is_told_from_another_number(
    tmp_path: Path, one: RecordedArrays, other: RecordedArrays, equals: bool
) -> None:
    folder = Folder(tmp_path, ENVIRONMENTS)
    for name in ENVIRONMENTS:
        folder.recorded(name, [other if name == "torch" else one])
    runs = {name: [layerwise(name)] for name in ("torch", "jax", "tensorflow")}
    found = dict(operations.detail(folder.read(READY), runs, place()))
    assert found["operation"] == f"keras.ops.{one[0].of}"
    assert ("takes" in found) == equals


def test_the_first_operation_that_gives_something_else_for_equal_inputs_is_named(tmp_path: Path) -> None:
    calls = [call({}, "sin"), call(OFF, "cos"), call(OFF | OTHER_INPUT, "tan")]
    assert found(tmp_path, calls, place()) == {"operation": "keras.ops.cos"}


def test_where_gradients_part_it_is_the_one_whose_gradient_does(tmp_path: Path) -> None:
    calls = [call({}, "sin"), call(OFF_BACKWARD)]
    assert found(tmp_path, calls, place("gradient", "gate/scale")) == {
        "operation": "keras.ops.image.affine_transform",
        "known": "K-66",
    }


def test_a_defect_that_all_others_have_is_known_too(tmp_path: Path) -> None:
    calls = [call(OFF, "image.gaussian_blur")]
    assert found(tmp_path, calls, place())["known"] == "K-65"


@pytest.mark.parametrize(
    ("off", "at"),
    [
        (call({}), place()),
        (call(OFF), place(tensor="other")),
        (call(OFF | OTHER_INPUT), place()),
        (call(OFF_BACKWARD), place()),
        (call(OFF | OFF_BACKWARD), place("gradient")),
    ],
)
def test_nothing_is_named_that_is_not_shown(tmp_path: Path, off: RecordedArrays, at: Place) -> None:
    """Elsewhere, of other inputs, or in another stage."""
    assert found(tmp_path, [off], at) == {}


def test_a_gradient_of_the_loss_shows_in_the_weights_of_any_layer(tmp_path: Path) -> None:
    calls = [call(OFF_BACKWARD, "log_softmax", inside="loss")]
    assert found(tmp_path, calls, place("gradient", "head/kernel")) == {"operation": "keras.ops.log_softmax"}
    assert found(tmp_path / "forward", calls, place("forward", "head")) == {}


def test_an_operation_of_the_model_itself_is_its_own_place(tmp_path: Path) -> None:
    assert found(tmp_path, [call(OFF, "cos", inside="")], place(tensor="cos")) == {"operation": "keras.ops.cos"}


def crossed(axis: int) -> RecordedArrays:
    """A cross product of vectors of three, along an axis."""
    first, second = np.eye(3), np.roll(np.eye(3), 1, axis=1) + 0.5
    made = {"input|0": first, "input|1": second, "output|0": np.cross(first, second, axis=axis)}
    arguments = json.dumps({"x1": {"input": 0}, "x2": {"input": 1}})
    one = RecordedCall(state="0", kind=OPERATION, name="arm/cross", of="cross", inside="arm", arguments=arguments)
    return one, made


@pytest.mark.parametrize(("axis", "off"), [(-1, 0), (0, 1)])
def test_an_operation_is_held_against_its_definition_at_the_layer_that_calls_it(tmp_path: Path, axis: int, off: int) -> None:
    folder = Folder(tmp_path, ["torch"])
    folder.recorded("torch", [crossed(axis)])
    departures = definitions.held(folder.read(), "torch", layerwise("torch")).departures
    assert len(departures) == off
    for one in departures:
        assert one.is_at(place(tensor="arm")) and one.is_at(place(tensor="arm/cross")) and not one.is_at(place(tensor="leg"))
        assert dict(definitions.cause(one).detail)["class"] == "keras.ops.cross"


def test_what_the_last_digits_of_the_inputs_decide_departs_by_nothing(tmp_path: Path) -> None:
    """The difference of two numbers that are nearly equal."""
    inputs = np.array([1.0, 3.0]), np.array([1.0, 3.0]) * (1 + 1e-13)
    made = {"input|0": inputs[0], "input|1": inputs[1], "output|0": (inputs[0] - inputs[1]) * 1.002}
    arguments = json.dumps({"x1": {"input": 0}, "x2": {"input": 1}})
    one = RecordedCall(state="0", kind=OPERATION, name="subtract", of="subtract", arguments=arguments)
    folder = Folder(tmp_path, ["torch"])
    folder.recorded("torch", [(one, made)])
    assert definitions.held(folder.read(), "torch", layerwise("torch")).departures == ()


def test_of_a_known_defect_that_shows_twice_the_first_is_kept() -> None:
    one = definitions.Departure(
        environment="torch", name="a", of="cross", kind=OPERATION, state="0", stage="forward", tensor="output 0", size=1.0
    )
    twice = [replace(one, known="K-68"), replace(one, name="b", known="K-68"), one, replace(one, name="b")]
    assert definitions.without_repeats(twice) == [twice[0], one, twice[3]]


@pytest.mark.parametrize(("masked", "off"), [(-1e9, 0), (-1.0, 1)])
def test_a_mask_of_large_numbers_leaves_no_step_for_central_differences(tmp_path: Path, masked: float, off: int) -> None:
    """A gradient of zeros is wrong; beside a mask, nothing is said of it."""
    scores = np.array([masked, 0.3, 0.5, -0.2])
    weights = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    made = {"input|0": scores, "output|0": weights, "cotangent|0": np.arange(4.0), "gradient|input/0": np.zeros(4)}
    arguments = json.dumps({"x": {"input": 0}})
    one = RecordedCall(state="0", kind=OPERATION, name="softmax", of="softmax", arguments=arguments)
    folder = Folder(tmp_path, ["torch"])
    folder.recorded("torch", [(one, made)])
    assert len(definitions.held(folder.read(), "torch", layerwise("torch")).departures) == off
