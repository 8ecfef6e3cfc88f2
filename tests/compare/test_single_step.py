"""Single-step comparisons compared stage by stage: order, scales, and the first place beyond a limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite.artifacts.artifact import Artifact
from suite.compare.single_step import LARGEST, StageDistance, first, neutral, stage_distances, states, wider
from suite.records import STAGES, BatchNorm, Manifest, Status, Tensor, TensorGroup

NORM = BatchNorm(name="norm", mean="norm/mean", variance="norm/variance", gamma="norm/gamma", epsilon=0.0)
GROUPS = {
    "in/kernel": TensorGroup.KERNEL,
    "in/bias": TensorGroup.NEUTRAL_BIAS,
    "norm/gamma": TensorGroup.SCALE_OR_SHIFT,
    "out/kernel": TensorGroup.OUTPUT_LAYER,
    "norm/mean": TensorGroup.MOVING_MEAN,
    "norm/variance": TensorGroup.MOVING_VARIANCE,
}
TENSORS = tuple(
    Tensor(name=name, shape=(2,), dtype="float64", group=group, layer=name.split("/")[0]) for name, group in GROUPS.items()
)
CALLS = ("in", "norm", "out", "norm#2")
Arrays = dict[str, np.ndarray]


def step(devices: int = 1) -> Arrays:
    """What one step leaves, everything of size 1."""
    trained = ("in/kernel", "in/bias", "norm/gamma", "out/kernel")
    return {
        **{f"forward|{call}": np.ones((4, 2)) for call in CALLS},
        **{
            f"{stage}|{name}": np.ones((devices, 2))
            for stage in ("batch statistics", "moving statistics")
            for name in ("norm/mean", "norm/variance")
        },
        "loss|loss": np.ones(1),
        **{f"{stage}|{name}": np.ones(2) for stage in ("gradient", "update") for name in trained},
        **{f"optimizer state|{name}/momentum": np.ones(2) for name in trained},
        **{f"optimizer state|{name}/velocity": np.full(2, 1e-9) for name in trained},
        "optimizer state|iteration": np.array(100),
    }


def artifact(folder: Path, arrays: Mapping[str, Arrays], calls: tuple[str, ...] = CALLS) -> tuple[Artifact, Manifest]:
    made = Artifact(folder)
    manifest = Manifest(run="a", status=Status.COMPLETE, tensors=TENSORS, batch_norms=(NORM,), calls=calls)
    made.begin(manifest)
    for state, values in arrays.items():
        made.add(f"single-step-{state}", values)
    made.finish(manifest)
    read = made.manifest()
    assert read
    return made, read


def distances(folder: Path, a: Arrays, b: Arrays, calls: tuple[str, ...] = CALLS) -> list[StageDistance]:
    return stage_distances(artifact(folder / "a", {"0": a}, calls), artifact(folder / "b", {"0": b}, calls))["0"]


def test_tensors_come_in_the_order_in_which_a_step_computes_them(tmp_path: Path) -> None:
    found = distances(tmp_path, step(), step())
    assert {one.value for one in found} == {0.0}
    assert list(dict.fromkeys(one.stage for one in found)) == list(STAGES[1:])
    assert [one.tensor for one in found if one.stage == "forward"] == list(CALLS)
    assert [one.tensor for one in found if one.stage == "gradient"] == ["out/kernel", "norm/gamma", "in/kernel"]
    assert [one.tensor for one in found if one.stage == "update"] == ["in/kernel", "norm/gamma", "out/kernel"]


def test_without_calls_layers_come_in_the_order_of_their_tensors(tmp_path: Path) -> None:
    found = distances(tmp_path, step(), step(), calls=())
    assert [one.tensor for one in found if one.stage == "gradient"] == ["out/kernel", "norm/gamma", "in/kernel"]


def test_states_come_in_the_order_of_training_and_only_those_of_both(tmp_path: Path) -> None:
    a = artifact(tmp_path / "a", {name: step() for name in ("saturated", "20", "100", "0")})
    b = artifact(tmp_path / "b", {name: step() for name in ("100", "0", "1", "saturated")})
    assert states(a[1], b[1]) == list(stage_distances(a, b)) == ["0", "100", "saturated"]


@pytest.mark.parametrize(
    ("name", "stage", "tensor"),
    [
        ("forward|norm#2", "forward", "norm#2"),
        ("batch statistics|norm/mean", "moving statistics", "norm/mean"),  # the outputs are right: so was what normalized
        ("loss|loss", "loss", "loss"),
        ("gradient|norm/gamma", "gradient", "norm/gamma"),
        ("update|out/kernel", "update", "out/kernel"),
        ("moving statistics|norm/variance", "moving statistics", "norm/variance"),
        ("optimizer state|in/kernel/velocity", "optimizer state", "in/kernel/velocity"),
    ],
)
def test_the_place_is_the_first_that_is_off(tmp_path: Path, name: str, stage: str, tensor: str) -> None:
    off = step() | {name: step()[name] * (1 + 1e-6)}
    place = first({"0": distances(tmp_path, off, step())}, 1e-8)
    assert place is not None
    assert (place.stage, place.tensor, place.state) == (stage, tensor, "0")
    assert place.size == pytest.approx(1e-6, rel=1e-3)
    assert place.ratio == pytest.approx(1e2, rel=1e-3)
    assert first({"0": distances(tmp_path / "more", off, step())}, 1e-5) is None


def test_what_a_step_comes_to_first_is_the_place_though_an_earlier_state_does_not_show_it(tmp_path: Path) -> None:
    """As a bias that is added twice, and starts at zero."""
    early = step() | {"gradient|in/kernel": np.full(2, 2.0)}
    late = early | {"forward|norm": np.full(2, 2.0)}
    states = {name: distances(tmp_path / name, off, step()) for name, off in (("0", early), ("1", late), ("20", late))}
    place = first(states, 1e-8)
    assert place is not None
    assert (place.stage, place.tensor, place.state) == ("forward", "norm", "1")


def test_statistics_that_are_off_where_the_outputs_are_too_are_those_of_the_batch(tmp_path: Path) -> None:
    name = "batch statistics|norm/variance"
    without = {key: value for key, value in step().items() if not key.startswith("forward|norm")}
    place = first({"0": distances(tmp_path, without | {name: step()[name] * 2}, without)}, 1e-8)
    assert place is not None
    assert (place.stage, place.tensor) == ("batch statistics", "norm/variance")


def test_statistics_that_change_the_gradient_are_those_of_the_batch(tmp_path: Path) -> None:
    """Renormalized outputs do not show them, their gradients do."""
    names = ("batch statistics|norm/variance", "gradient|in/kernel")
    place = first({"0": distances(tmp_path, step() | {name: step()[name] * 2 for name in names}, step())}, 1e-8)
    assert place is not None
    assert (place.stage, place.tensor) == ("batch statistics", "norm/variance")


def test_statistics_just_beyond_the_limit_are_not_said_to_be_kept_wrongly(tmp_path: Path) -> None:
    """The outputs that they moved are just within it."""
    sizes = {"forward|norm": 0.8e-8, "batch statistics|norm/variance": 1.6e-8}
    off = {name: step()[name] * (1 + size) for name, size in sizes.items()}
    place = first({"0": distances(tmp_path, step() | off, step())}, 1e-8)
    assert place is not None
    assert (place.stage, place.tensor) == ("batch statistics", "norm/variance")


def test_the_gradient_nearest_to_the_output_is_upstream(tmp_path: Path) -> None:
    off = step() | {f"gradient|{name}": np.full(2, 2.0) for name in ("in/kernel", "norm/gamma")}
    place = first({"0": distances(tmp_path, off, step())}, 1e-8)
    assert place is not None
    assert place.tensor == "norm/gamma"


@pytest.mark.parametrize("size", [1e-15, 1e-13])
def test_a_gradient_that_is_nearly_zero_is_measured_by_the_others(tmp_path: Path, size: float) -> None:
    small = step() | {"gradient|out/kernel": np.full(2, size)}
    other = step() | {"gradient|out/kernel": np.full(2, -size)}
    value = {one.tensor: one.value for one in distances(tmp_path, small, other) if one.stage == "gradient"}["out/kernel"]
    assert 0 < value < 1e-11


@pytest.mark.parametrize(("size", "judged"), [(1e-13, False), (1e-6, True)])
def test_what_an_optimizer_makes_of_a_gradient_that_is_rounding_is_not_judged(
    tmp_path: Path, size: float, judged: bool
) -> None:
    first, second = (
        step()
        | {
            "gradient|out/kernel": np.full(2, sign * size),
            "update|out/kernel": np.full(2, sign * 0.01),
            "optimizer state|out/kernel/velocity": np.full(2, sign * 1.0),
        }
        for sign in (1, -1)
    )
    stages = {one.stage for one in distances(tmp_path, first, second) if one.tensor.startswith("out/kernel")}
    assert ({"update", "optimizer state"} <= stages) is judged and "gradient" in stages


def test_slots_are_measured_by_slots_of_their_kind(tmp_path: Path) -> None:
    """A velocity of 1e-9 beside a step counter of 100."""
    off = step() | {"optimizer state|out/kernel/velocity": np.full(2, 2e-9)}
    found = {one.tensor: one.value for one in distances(tmp_path, off, step()) if one.stage == "optimizer state"}
    assert found["out/kernel/velocity"] == pytest.approx(0.5)


def test_one_device_is_compared_with_each_device(tmp_path: Path) -> None:
    equal = distances(tmp_path / "equal", step(devices=1), step(devices=2))
    assert {one.value for one in equal} == {0.0}
    name = "batch statistics|norm/mean"
    off = step(devices=2) | {name: np.array([[1.0, 1.0], [1.0, 1.5]])}
    values = {
        one.tensor: one.value for one in distances(tmp_path / "off", step(devices=1), off) if one.stage == "batch statistics"
    }
    assert values == pytest.approx({"norm/mean": 0.5, "norm/variance": 0.0})


@pytest.mark.parametrize("value", [np.array([1.0, np.nan]), np.array([1.0, np.inf]), np.ones(3)])
def test_nan_infinity_and_another_shape_are_infinitely_far(tmp_path: Path, value: np.ndarray) -> None:
    place = first({"0": distances(tmp_path, step() | {"update|in/kernel": value}, step())}, 1e-8)
    assert place is not None
    assert (place.stage, place.tensor, place.size) == ("update", "in/kernel", LARGEST)


def test_no_states_are_no_place() -> None:
    assert first({}, 1e-8) is None


@pytest.mark.parametrize(
    ("values", "tensor"),
    [
        ([5e-9, 1e-2, 3e-2], "second"),  # what a layer rounds to float32, and a real difference behind it
        ([5e-9, 4e-7, 9e-7], ""),  # grown, and never wide
        ([5e-7, 2e-5, 1e-3], ""),  # each is less than 100 times the one before
        ([5e-9, 4e-8, 1e-3], "third"),
        ([1e-2, 3e-2, 5e-2], "first"),
        ([5e-9, float("inf"), 1.0], "second"),
    ],
)
def test_what_is_much_wider_than_all_before_it_is_found_behind_what_float32_rounds(values: list[float], tensor: str) -> None:
    names = ("first", "second", "third")
    steps = [StageDistance(stage="forward", tensor=name, value=value) for name, value in zip(names, values, strict=True)]
    clean = [replace(one, value=0.0) for one in steps]
    place = wider({"5": steps, "0": clean}, 1e-6, 100.0, 1e-10)
    assert (place.tensor if place else "") == tensor
    if place:
        assert (place.stage, place.state, place.ratio) == ("forward", "5", place.size / 1e-10)


ROUNDED, LARGE, NONE = np.full(2, 1e-13), np.ones(2), np.zeros(2)


@pytest.mark.parametrize(
    ("mine", "other", "expected"),
    [
        ((ROUNDED, ROUNDED), (ROUNDED, -ROUNDED), True),
        ((ROUNDED, NONE), (NONE, NONE), True),
        ((ROUNDED, LARGE), (ROUNDED, LARGE), False),
        ((NONE, NONE), (ROUNDED, LARGE), False),
        ((NONE, NONE), (LARGE, LARGE), False),
        ((NONE, NONE), (NONE, NONE), False),
    ],
    ids=["rounding", "nothing once", "in one state", "on one side", "lost on one side", "nothing at all"],
)
def test_nothing_depends_on_what_has_a_gradient_of_rounding_in_every_state_on_both_sides(
    tmp_path: Path, mine: tuple[np.ndarray, ...], other: tuple[np.ndarray, ...], expected: bool
) -> None:
    def of(name: str, gradients: tuple[np.ndarray, ...]) -> tuple[Artifact, Manifest]:
        states = {f"{index}": step() | {"gradient|norm/gamma": value} for index, value in enumerate(gradients)}
        return artifact(tmp_path / name, states | {"saturated": step()})

    assert neutral(of("mine", mine), of("other", other)) == ({"norm/gamma"} if expected else set())


def test_without_a_common_state_nothing_is_neutral(tmp_path: Path) -> None:
    small = {"0": step() | {"gradient|norm/gamma": ROUNDED}}
    assert neutral(artifact(tmp_path / "a", small), artifact(tmp_path / "b", {"saturated": step()})) == set()
