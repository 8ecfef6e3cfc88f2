"""Recorded calls against their definitions: what departs, where, and what cannot be said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite.explain import definitions
from suite.explain.definitions import Departure, Held
from suite.records import ASSIGNMENT, Code, Environment, Place, Provisioned, RecordedCall
from tests.explain.run_folders import (
    Folder,
    RecordedArrays,
    assigning_call,
    dense_call,
    evaluated_call,
    layerwise,
    leaky_call,
    update_call,
)


def held(path: Path, *calls: RecordedArrays) -> Held:
    folder = Folder(path, ["torch"])
    folder.recorded("torch", calls)
    return definitions.held(folder.read(), "torch", layerwise("torch"))


def loss(value: float) -> tuple[RecordedCall, dict[str, np.ndarray]]:
    """The mean square of 1, 2 and 3."""
    call = RecordedCall(state="0", kind="loss", name="loss", of="MeanSquaredError", config="{}")
    arrays = {"input|y_true": np.zeros((3, 1)), "input|y_pred": np.array([[1.0], [2.0], [3.0]]), "output|0": np.array(value)}
    return call, arrays


def test_a_probability_near_zero_is_clipped_by_the_epsilon_of_the_run(tmp_path: Path) -> None:
    """A float64 run has another one, which float32 holds exactly."""
    made = np.array(-np.log(2.0**-23))
    arrays = {"input|y_true": np.ones((1, 1)), "input|y_pred": np.array([[1e-12]]), "output|0": made}
    config = json.dumps({"fn": "binary_crossentropy"})
    call = RecordedCall(state="0", kind="loss", name="loss", of="LossFunctionWrapper", config=config, epsilon=2.0**-23)
    assert held(tmp_path / "own", (call, arrays)).departures == ()
    (one,) = held(tmp_path / "other", (replace(call, epsilon=1e-7), arrays)).departures
    assert one.of == "BinaryCrossentropy", "and the class is named, not what wraps the function"


def absolute(gradient: float, at: float = 0.0) -> tuple[RecordedCall, dict[str, np.ndarray]]:
    """The absolute size of one prediction, of which this gradient was taken."""
    call = RecordedCall(state="0", kind="loss", name="loss", of="MeanAbsoluteError")
    arrays = {"input|y_true": np.zeros((1, 1)), "input|y_pred": np.full((1, 1), at), "output|0": np.array(at)}
    return call, arrays | {"cotangent|0": np.ones(()), "gradient|y_pred": np.full((1, 1), gradient)}


def penalty(off: float = 0.0, slope: float = 0.0) -> tuple[RecordedCall, dict[str, np.ndarray]]:
    """The L1 penalty of the numbers 2 and 0, too large by the share `off`; at 0, this slope was taken."""
    call = RecordedCall(state="0", kind="regularizer", name="dense/bias", of="L1", config=json.dumps({"l1": 0.5}))
    arrays = {"input|0": np.array([2.0, 0.0]), "output|0": np.array(1.0 + off), "cotangent|0": np.ones(())}
    return call, arrays | {"gradient|input/0": np.array([0.5, 0.5 * slope])}


def normalization(variance: float) -> tuple[RecordedCall, dict[str, np.ndarray]]:
    """A batch of -1 and 1, whose moving variance is then this."""
    config = {"axis": -1, "momentum": 0.5, "epsilon": 0.0, "center": False, "scale": False, "trainable": True}
    call = RecordedCall(state="0", kind="layer", name="norm", of="BatchNormalization", config=json.dumps(config))
    weights = {"weight|moving_mean": np.zeros(1), "weight|moving_variance": np.full(1, 3.0)}
    state = {"state|moving_mean": np.zeros(1), "state|moving_variance": np.full(1, variance)}
    rows = np.array([[-1.0], [1.0]])
    return call, {"input|0": rows, "output|0": rows, **weights, **state}


def test_what_computes_its_definition_is_held_and_departs_in_nothing(tmp_path: Path) -> None:
    found = held(tmp_path, dense_call(), loss(14.0 / 3.0), update_call(), normalization(2.0))
    assert (found.departures, found.defined, found.undefined, found.missing) == ((), 4, (), "")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (dense_call(off=1e-3), ("layer", "dense", "forward", "output 0")),
        (dense_call("block/dense#2", off=1e-3), ("layer", "block/dense#2", "forward", "output 0")),
        (loss(14.0 / 3.0 * 1.001), ("loss", "loss", "loss", "loss")),
        (evaluated_call(off=1e-3), ("loss", "loss, evaluated", "evaluation", "loss")),
        (penalty(off=1e-3), ("regularizer", "dense/bias", "forward", "output 0")),
        (update_call(off=2e-3), ("update", "optimizer", "update", "w")),
        (normalization(2.5), ("layer", "norm", "moving statistics", "moving_variance")),
    ],
)
def test_a_departure_says_what_and_in_which_stage(
    tmp_path: Path, call: tuple[RecordedCall, dict[str, np.ndarray]], expected: tuple[str, ...]
) -> None:
    (one,) = held(tmp_path, call).departures
    assert (one.kind, one.name, one.stage, one.tensor) == expected
    assert (one.environment, one.state) == ("torch", "0")
    assert 1e-4 < one.size < 1.0 and not one.narrow
    cause = definitions.cause(one)
    assert (cause.code, cause.subject) == (Code.DEFINITION, "torch")
    assert dict(cause.detail) == {"what": one.kind, "class": call[0].of, "name": one.name, "stage": one.stage}


@pytest.mark.parametrize(
    ("trains", "predicts", "found"),
    [
        (0.0, 0.1, [("prediction", False)]),
        (0.1, 0.1, [("forward", True)]),  # the same layer twice says no more
        (0.1, 0.0, [("forward", True)]),
    ],
)
def test_a_layer_that_departs_where_the_model_predicts_alone_is_at_the_prediction(
    tmp_path: Path, trains: float, predicts: float, found: list[tuple[str, bool]]
) -> None:
    made = held(tmp_path, dense_call(off=trains), dense_call(off=predicts, training=False)).departures
    assert [(one.stage, one.training) for one in made] == found
    for one in made:
        assert one.is_at(place("prediction", "dense")) is (one.stage == "prediction")
        assert one.is_at(place("forward", "dense")) is (one.stage == "forward")


def test_what_fit_drops_of_what_anybodys_layer_assigns_departs(tmp_path: Path) -> None:
    (one,) = held(tmp_path, assigning_call(kept=False)).departures
    assert (one.kind, one.name, one.of, one.stage, one.tensor) == (ASSIGNMENT, "center", "Center", "update", "center/weight")
    assert one.size == pytest.approx(0.5) and not one.narrow
    found = held(tmp_path / "kept", assigning_call(kept=True))
    assert (found.departures, found.defined, found.undefined) == ((), 1, ())


def test_what_a_layer_draws_anew_for_fit_is_not_dropped(tmp_path: Path) -> None:
    call, arrays = assigning_call(kept=True)
    drawn = {"output|center/weight": np.array([0.7, -1.1])}
    assert held(tmp_path, (call, arrays | drawn)).departures == ()


@pytest.mark.parametrize(("off", "departs", "narrow"), [(0.9e-10, False, False), (1.1e-10, True, True), (2e-6, True, False)])
def test_what_float32_rounds_departs_by_little(tmp_path: Path, off: float, departs: bool, narrow: bool) -> None:
    found = held(tmp_path, dense_call(off=off)).departures
    assert [one.narrow for one in found] == ([narrow] if departs else [])


@pytest.mark.parametrize("slope", [0.25, 0.5, 1.0])
def test_any_slope_at_a_corner_is_one_and_noted(tmp_path: Path, slope: float) -> None:
    found = held(tmp_path, leaky_call(slope))
    assert found.departures == () and found.undefined == ()
    (corner,) = found.corners
    assert (corner.name, corner.of, corner.tensor) == ("leaky", "LeakyReLU", "input/0")


@pytest.mark.parametrize("slope", [-1.0, 0.0, 1.0])
def test_a_loss_and_a_penalty_of_absolute_values_stand_at_a_corner_at_zero(tmp_path: Path, slope: float) -> None:
    found = held(tmp_path, absolute(slope), penalty(slope=slope))
    assert found.departures == () and found.undefined == ()
    assert [(corner.kind, corner.name, corner.of) for corner in found.corners] == [
        ("loss", "loss", "MeanAbsoluteError"),
        ("regularizer", "dense/bias", "L1"),
    ]
    gradient = Place(stage="gradient", tensor="dense/bias", state="0", size=1.0, ratio=1.0)
    for place, explaining in ((gradient, [True, True]), (replace(gradient, tensor="dense/kernel"), [True, False])):
        assert [corner.explains(place) for corner in found.corners] == explaining
        assert not any(corner.explains(replace(place, stage="forward")) for corner in found.corners)
    assert held(tmp_path / "far", absolute(slope, at=slope)).corners == () or slope == 0.0


@pytest.mark.parametrize("call", [leaky_call(1.2), absolute(1.2), penalty(slope=-1.2)])
def test_a_slope_outside_of_a_corner_is_none_of_those_that_it_leaves_open(tmp_path: Path, call: RecordedArrays) -> None:
    assert held(tmp_path, call).corners == ()


def test_a_gradient_that_is_not_a_number_departs_where_its_definition_is_one(tmp_path: Path) -> None:
    call, arrays = leaky_call(1.0, at=0.1)
    layer, of_loss = held(
        tmp_path, (call, {**arrays, "gradient|input/0": np.array([[1.0, np.nan]])}), absolute(np.nan, at=1.0)
    ).departures
    assert (layer.stage, layer.tensor, layer.size) == ("gradient", "input/0", 1.0)
    assert (of_loss.kind, of_loss.stage, of_loss.size) == ("loss", "gradient", 1.0)


def test_a_gradient_of_a_loss_that_is_a_number_is_not_compared(tmp_path: Path) -> None:
    """It was recorded without the logits that TensorFlow takes it from: near the clipping, they decide."""
    assert held(tmp_path, absolute(0.5, at=1.0)).departures == ()


def test_a_slope_far_outside_of_a_corner_departs(tmp_path: Path) -> None:
    (one,) = held(tmp_path, leaky_call(9.0)).departures
    assert (one.stage, one.tensor) == ("gradient", "input/0")


def test_away_from_a_corner_there_is_none(tmp_path: Path) -> None:
    assert held(tmp_path, leaky_call(1.0, at=0.1)).corners == ()


def test_shapes_and_nan_that_are_not_the_definitions_depart_wholly(tmp_path: Path) -> None:
    call, arrays = dense_call()
    (one,) = held(tmp_path / "shape", (call, arrays | {"output|0": arrays["output|0"][:1]})).departures
    assert one.size == 1.0
    lost = np.array(arrays["output|0"])
    lost[0, 0] = np.nan
    (one,) = held(tmp_path / "nan", (call, arrays | {"output|0": lost})).departures
    assert one.size == 1.0
    # NaN that the definition has as well, and that no other number hides behind.
    row = np.array([np.nan, 0.0, 0.0])
    x = np.stack([row, arrays["input|0"][1]])
    both = arrays | {"input|0": x, "output|0": x @ arrays["weight|kernel"]}
    assert held(tmp_path / "both", (call, both)).departures == ()
    both["output|0"][1, 1] += 1.0
    assert len(held(tmp_path / "behind", (call, both)).departures) == 1


def test_what_has_no_definition_is_listed_with_the_reason_and_the_others_are_held(tmp_path: Path) -> None:
    own = dense_call("mine", off=1.0, own=False)
    lost: RecordedArrays = (dense_call("lost", reason="it refused to be called")[0], {})
    unknown = dense_call("unknown", of="DenseOfTomorrow")
    call, arrays = dense_call("broken")
    broken = call, arrays | {"weight|kernel": np.ones((5, 4))}
    found = held(tmp_path, own, lost, unknown, broken, dense_call(off=1e-3))
    assert [one.name for one in found.departures] == ["dense"]
    assert found.defined == 1
    reasons = dict(found.undefined)
    assert reasons["mine"] == "Dense is not a class of Keras"
    assert reasons["lost"] == "it was not recorded: it refused to be called"
    assert "DenseOfTomorrow" in reasons["unknown"]
    assert reasons["broken"].startswith("its definition failed: ")


def test_a_gradient_is_held_where_the_call_has_one(tmp_path: Path) -> None:
    call, arrays = dense_call()
    cotangent = np.ones((2, 4))
    right = {"cotangent|0": cotangent, "gradient|weight/kernel": arrays["input|0"].T @ cotangent}
    assert held(tmp_path / "right", (call, arrays | right)).departures == ()
    wrong = right | {"gradient|weight/kernel": right["gradient|weight/kernel"] * 1.001}
    (one,) = held(tmp_path / "wrong", (call, arrays | wrong)).departures
    assert (one.stage, one.tensor, one.place.tensor) == ("gradient", "weight/kernel", "dense/kernel")


def test_what_comes_after_the_first_stage_that_departs_follows_from_it(tmp_path: Path) -> None:
    call, arrays = normalization(2.5)
    (one,) = held(tmp_path, (call, arrays | {"output|0": 2 * arrays["output|0"]})).departures
    assert one.stage == "forward"


def test_without_the_run_nothing_was_held(tmp_path: Path) -> None:
    found = definitions.held(Folder(tmp_path, ["torch"]).read(), "torch", layerwise("torch"))
    assert (found.missing, found.defined, found.departures) == ("it was not run", 0, ())


def place(stage: str, tensor: str) -> Place:
    return Place(stage=stage, tensor=tensor, state="0", size=1.0, ratio=1e10)


def departure(kind: str, name: str) -> Departure:
    return Departure(environment="torch", name=name, of="X", kind=kind, state="0", stage="forward", tensor="", size=1.0)


@pytest.mark.parametrize(
    ("kind", "name", "stage", "tensor", "there"),
    [
        ("layer", "dense", "forward", "dense", True),
        ("layer", "dense#2", "forward", "dense#3", True),
        ("layer", "dense", "gradient", "dense/kernel", True),
        ("layer", "block", "forward", "block/dense", True),  # only the outer call is recorded
        ("layer", "dense", "forward", "dense_1", False),
        ("layer", "dense", "gradient", "dense_1/kernel", False),
        ("loss", "loss", "loss", "loss", True),
        ("loss", "loss", "gradient", "dense/kernel", True),
        ("loss", "loss", "forward", "dense", False),
        ("update", "optimizer", "update", "dense/kernel", True),
        ("update", "optimizer", "optimizer state", "dense/kernel/momentum", True),
        ("update", "optimizer", "gradient", "dense/kernel", False),
    ],
)
def test_where_a_departure_explains_a_place(kind: str, name: str, stage: str, tensor: str, there: bool) -> None:
    assert departure(kind, name).is_at(place(stage, tensor)) is there


def idle(gradient: float) -> RecordedArrays:
    """A dense layer of zeros, so that its kernel has no effect, with a gradient of the kernel of this size."""
    call, arrays = dense_call()
    zeros = {"input|0": np.zeros_like(arrays["input|0"]), "output|0": np.zeros_like(arrays["output|0"])}
    cotangent = np.ones_like(arrays["output|0"])
    kernel = np.full_like(arrays["weight|kernel"], gradient)
    through = cotangent @ arrays["weight|kernel"].T
    return call, arrays | zeros | {"cotangent|0": cotangent, "gradient|weight/kernel": kernel, "gradient|input/0": through}


@pytest.mark.parametrize(("gradient", "departs"), [(0.0, False), (1e-18, False), (1e-3, True)])
def test_a_gradient_that_is_zero_but_for_rounding_departs_in_nothing(tmp_path: Path, gradient: float, departs: bool) -> None:
    found = held(tmp_path, idle(gradient)).departures
    assert [(one.stage, one.tensor) for one in found] == ([("gradient", "weight/kernel")] if departs else [])


@pytest.mark.parametrize(("state", "known"), [("input", "K-38"), ("argument", "K-38"), ("", "")])
def test_what_goes_in_by_its_name_is_seen_like_any_other_input(state: str, known: str) -> None:
    """Keras forgets the mask of a recurrent layer that is given an initial state, as a further input or by its name."""
    call = RecordedCall(state="0", kind="layer", name="decoder", of="LSTM")
    arrays: dict[str, dict[str, np.ndarray]] = {"input": {"0": np.zeros((2, 3, 4))}, "mask": {"0": np.ones((2, 3), bool)}}
    if state:
        arrays.setdefault(state, {})["initial_state/0"] = np.zeros((2, 5))
    off = Departure(
        environment="torch", name="decoder", of="LSTM", kind="layer", state="0", stage="forward", tensor="", size=0.3
    )
    environment = Provisioned(environment=Environment(name="torch", backend="torch"))
    assert definitions._known(off, call, arrays, environment).known == known


def test_an_update_of_variables_by_their_names_is_a_known_defect_like_a_layers_call() -> None:
    """What a call of a layer returns is numbered, and what an update returns has names."""
    rows = np.ones((2, 2))
    call = RecordedCall(
        state="0", kind="update", name="optimizer", of="Adam", config="{}", arguments="{}", rows=("words/embeddings",)
    )
    arrays = {name: {"words/embeddings": rows} for name in ("input", "gradient", "output")}
    off = Departure(
        environment="tensorflow",
        name="optimizer",
        of="Adam",
        kind="update",
        state="0",
        stage="update",
        tensor="words/embeddings",
        size=0.1,
    )
    tensorflow = Provisioned(environment=Environment(name="tensorflow", backend="tensorflow"))
    assert definitions._known(off, call, arrays, tensorflow).known == "K-01"
