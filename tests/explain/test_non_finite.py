"""The recorded calls of a step that reaches NaN show which of them makes it of finite numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite import compare
from suite.artifacts.artifact import Complete
from suite.explain import non_finite
from suite.explain.backends import Backends
from suite.explain.non_finite import Begin
from suite.records import LAYERWISE, OPERATION, REACHED, Configuration, Environment, Provisioned, RecordedCall, Run, plain
from tests.explain.run_folders import Folder, RecordedArrays, configuration, layerwise

NAN, FINE, LEAST = np.array([np.nan, 1.0]), np.array([2.0, 1.0]), np.array([np.finfo(np.float64).min, 1.0])


def layer(name: str, **changed: np.ndarray) -> RecordedArrays:
    made = {"input|0": FINE, "weight|scale": FINE, "output|0": FINE, "cotangent|0": FINE, "gradient|input/0": FINE}
    renamed = {key.replace("_", "|"): value for key, value in changed.items()}
    return RecordedCall(state="4", kind="layer", name=name, of="Scale"), made | {"gradient|weight/scale": FINE} | renamed


def operation(inside: str, of: str, **changed: np.ndarray) -> RecordedArrays:
    made = {"input|0": FINE, "output|0": FINE, "cotangent|0": FINE, "gradient|input/0": FINE}
    renamed = {key.replace("_", "|"): value for key, value in changed.items()}
    name = f"{inside}/{of}" if inside else of
    return RecordedCall(state="4", kind=OPERATION, name=name, of=of, inside=inside), made | renamed


def update(gradient: np.ndarray, moved: np.ndarray) -> RecordedArrays:
    made = {"input|a/scale": FINE, "gradient|a/scale": gradient, "output|a/scale": moved}
    return RecordedCall(state="4", kind="update", name="optimizer", of="Adam"), made


BACKWARD = {"gradient|input/0": NAN}


def backward(call: RecordedArrays) -> RecordedArrays:
    return call[0], {**call[1], **BACKWARD}


def found(path: Path, calls: Sequence[RecordedArrays]) -> tuple[str, str, str] | None:
    folder = Folder(path, ["torch"])
    folder.recorded("torch", calls, state="4")
    complete = folder.read().further(layerwise("torch"))
    assert not isinstance(complete, str)
    begin: Begin | None = non_finite._begin(complete, "torch", None)
    return None if begin is None else (begin.place.stage, begin.place.tensor, begin.operation)


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([layer("a"), layer("b"), update(FINE, FINE)], None),
        ([layer("a", output_0=NAN), layer("b", input_0=NAN, output_0=NAN)], ("forward", "a", "")),
        ([layer("a", output_0=NAN), operation("a", "log", output_0=NAN)], ("forward", "a", "keras.ops.log")),
        (
            [layer("a", output_0=LEAST), operation("a", "segment_max", output_0=LEAST)],
            ("forward", "a", "keras.ops.segment_max"),
        ),
        ([layer("a"), operation("", "log", output_0=NAN)], ("forward", "log", "keras.ops.log")),
        ([layer("a"), backward(layer("b")), update(NAN, NAN)], ("gradient", "b", "")),
        ([layer("a"), backward(layer("b")), backward(operation("b", "std"))], ("gradient", "b", "keras.ops.std")),
        ([layer("a"), backward(layer("b")), backward(layer("c"))], ("gradient", "c", "")),
        ([layer("a"), update(FINE, NAN)], ("update", "optimizer", "")),
        ([layer("a", state_moving=NAN)], ("forward", "a", "")),
    ],
)
def test_the_first_call_that_makes_it_of_finite_numbers_is_named(
    tmp_path: Path, calls: list[RecordedArrays], expected: tuple[str, str, str] | None
) -> None:
    """Forward, then backwards, then in the update."""
    assert found(tmp_path, calls) == expected


def test_what_several_devices_reach_is_looked_for_in_the_same_step_on_one(tmp_path: Path) -> None:
    made = Folder(tmp_path, ["torch", "jax"], devices=(1, 2))
    made.all_trained(dict.fromkeys(("torch", "jax"), 1.0))
    several = configuration("jax", 2)
    made.trained(plain(several), np.nan)
    step = compare.first_non_finite(_complete(made, several))
    assert step is not None
    wanted = replace(layerwise("jax"), precision="float32", index=REACHED + step - 1)
    assert non_finite.further(Backends(made.read(), "s")) == [wanted]
    assert non_finite.begin(Backends(made.read(), "s"), several) is None, "it was not recorded yet"


def _complete(made: Folder, of: Configuration) -> Complete:
    subject = made.read().subject(of)
    assert not isinstance(subject, str)
    return subject.plain


def test_a_known_defect_that_makes_it_is_named_where_the_definition_is_finite(tmp_path: Path) -> None:
    """Moments in one pass cancel for a large mean in float32: the variance is below zero."""

    def normalized(rows: np.ndarray, environment: str = "torch") -> str:
        arrays = {
            "input|0": rows,
            "output|0": np.full_like(rows, np.nan),
            "cotangent|0": np.ones_like(rows),
            **{f"weight|{name}": np.ones(2, np.float32) for name in ("gamma", "beta", "moving_mean", "moving_variance")},
        }
        config = '{"axis": -1, "momentum": 0.99, "epsilon": 0.001, "center": true, "scale": true}'
        call = RecordedCall(
            state="1", kind="layer", name="norm", of="BatchNormalization", config=config, arguments='{"training": true}'
        )
        folder = Folder(tmp_path / f"{environment}-{rows.dtype}", ["torch"])
        folder.recorded("torch", [(call, arrays)], state="1")
        complete = folder.read().further(layerwise("torch"))
        assert not isinstance(complete, str)
        backend = Environment(name=environment, backend=environment)
        begin = non_finite._begin(complete, environment, Provisioned(environment=backend, python="", packages={}))
        assert begin is not None and (begin.place.stage, begin.place.tensor) == ("forward", "norm")
        return begin.known

    far = np.array([[1e5, 1.0], [1e5 + 1, 2.0]], np.float32)
    assert normalized(far) == "K-26"
    assert normalized(far, "jax") == ""
    assert normalized(far.astype(np.float64)) == ""


def test_a_known_defect_of_an_operation_inside_of_a_layer_of_a_user_s_is_named(tmp_path: Path) -> None:
    folder = Folder(tmp_path, ["tensorflow"])
    calls = [layer("best", output_0=LEAST), operation("best", "segment_max", output_0=LEAST)]
    folder.recorded("tensorflow", [(replace(call, own=False), arrays) for call, arrays in calls], state="4")
    complete = folder.read().further(layerwise("tensorflow"))
    assert not isinstance(complete, str)
    backend = Environment(name="tensorflow", backend="tensorflow")
    begin = non_finite._begin(complete, "tensorflow", Provisioned(environment=backend, python="", packages={}))
    assert begin is not None and begin.known == "K-84"


def test_a_known_defect_of_a_gradient_is_named_and_a_definition_that_fails_names_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The derivative of a norm at zeros: 0 by convention, and NaN on torch."""
    zeros = np.array([[0.0, 0.0], [3.0, 4.0]])
    call = RecordedCall(state="4", kind="layer", name="unit", of="UnitNormalization", config='{"axis": -1, "order": 2}')
    output = np.array([[0.0, 0.0], [0.6, 0.8]])
    arrays = {"input|0": zeros, "output|0": output, "cotangent|0": np.ones_like(zeros), "gradient|input/0": zeros * np.nan}
    folder = Folder(tmp_path, ["torch"])
    folder.recorded(
        "torch", [(RecordedCall(**{**vars(layer("a")[0]), "state": "1"}), layer("a")[1]), (call, arrays)], state="1"
    )
    complete = folder.read().further(layerwise("torch"))
    assert not isinstance(complete, str)
    torch = Provisioned(environment=Environment(name="torch", backend="torch"))
    begin = non_finite._begin(complete, "torch", torch)
    assert begin is not None and (begin.place.stage, begin.known) == ("gradient", "K-36")

    def fails(*_: object) -> None:
        raise ValueError("a shape that it does not expect")

    monkeypatch.setattr("suite.explain.derivatives.of", fails)
    begin = non_finite._begin(complete, "torch", torch)
    assert begin is not None and (begin.place.stage, begin.known) == ("gradient", "")


def test_a_gradient_that_goes_nowhere_is_not_blamed(tmp_path: Path) -> None:
    call, arrays = backward(layer("first"))
    untrained = call, {name: value for name, value in arrays.items() if "weight" not in name}
    assert found(tmp_path, [untrained, layer("b")]) is None


def test_the_step_is_recorded_in_which_a_number_is_lost(tmp_path: Path) -> None:
    folder = Folder(tmp_path, ["torch", "jax"])
    folder.all_trained({"torch": np.nan, "jax": 1.0})
    (run,) = non_finite.further(Backends(folder.read(), "s"))
    assert run == Run(configuration=configuration("torch"), variation=LAYERWISE, index=REACHED)


def test_where_all_numbers_are_finite_nothing_is_recorded(tmp_path: Path) -> None:
    folder = Folder(tmp_path, ["torch", "jax"])
    folder.all_trained({"torch": 1.0, "jax": 1.0})
    backends = Backends(folder.read(), "s")
    assert non_finite.further(backends) == [] and non_finite.begin(backends, configuration("torch")) is None
