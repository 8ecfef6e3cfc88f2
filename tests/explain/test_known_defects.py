"""Known defects that no single call shows: of weights, metrics, layers in training, and replicas."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite.explain import known_defects
from suite.records import OUTSIDE, Cause, Code, Environment, Place, Provisioned, RecordedCall, plain
from tests.explain.run_folders import Folder, RecordedArrays, configuration, layerwise, steps_of

ENVIRONMENTS = ("tensorflow", "jax", "torch")
READY = tuple(
    Provisioned(
        environment=Environment(name=name, backend=name), python="", digest="", reason="", packages={"keras": "3.15.1"}
    )
    for name in ENVIRONMENTS
)


def place(stage: str, tensor: str) -> Place:
    return Place(stage=stage, tensor=tensor, state="0", size=1.0, ratio=1.0)


# -- weights without a gradient


def update(gradient: float | None) -> RecordedArrays:
    call = RecordedCall(state="0", kind="update", name="optimizer", of="AdamW", config=json.dumps({"weight_decay": 0.1}))
    gradients = {} if gradient is None else {"gradient|head/kernel": np.full(2, gradient)}
    return call, {"input|head/kernel": np.ones(2), "gradient|out/kernel": np.ones(2), **gradients}


@pytest.mark.parametrize(
    ("odd", "gradient", "others", "stage", "known"),
    [
        ("jax", 0.0, None, "trajectory", "K-77"),
        ("jax", 0.0, None, "update", "K-77"),
        ("jax", 0.0, None, "forward", ""),
        ("jax", 0.5, None, "update", ""),  # the loss depends on it
        ("jax", 0.0, 0.0, "update", ""),  # it has a gradient everywhere
        ("torch", 0.0, None, "update", ""),
    ],
)
def test_a_weight_that_has_no_gradient_elsewhere_is_a_known_defect_of_jax(
    tmp_path: Path, odd: str, gradient: float, others: float | None, stage: str, known: str
) -> None:
    folder = Folder(tmp_path, ENVIRONMENTS)
    order = sorted(ENVIRONMENTS, key=lambda name: name != odd)
    for name in order:
        folder.recorded(name, [update(gradient if name == odd else others)])
    runs = {name: [layerwise(name)] for name in order}
    assert known_defects.of_weight(folder.read(READY), runs, place(stage, "head/kernel")) == known


# -- metrics

PRECISION = {"class": "Precision", "name": "best", "top_k": 2}


@pytest.mark.parametrize(
    ("metrics", "name", "environment", "known"),
    [
        ([PRECISION], "best", "torch", "K-85"),
        ({"out": [PRECISION]}, "best", "torch", "K-85"),
        ([{**PRECISION, "top_k": None}], "best", "torch", ""),
        ([PRECISION], "loss", "torch", ""),
        ([PRECISION], "best", "jax", ""),
        (None, "best", "torch", ""),
    ],
)
def test_a_metric_is_known_by_what_the_model_was_compiled_with(
    tmp_path: Path, metrics: object, name: str, environment: str, known: str
) -> None:
    folder = Folder(tmp_path, ENVIRONMENTS)
    folder.trained(plain(configuration(environment)), 1.0, compiled={"metrics": metrics})
    assert known_defects.of_metric(folder.read(READY), configuration(environment), name) == known


@pytest.mark.parametrize(
    ("weighted", "name", "parts", "known"),
    [
        (["accuracy"], "accuracy", ("input|sample_weight", "mask|0"), "K-89"),
        ({"out": [{"class": "Mean", "name": "hits"}]}, "out_hits", ("input|sample_weight", "mask|0"), "K-89"),
        (["accuracy"], "accuracy", ("mask|0",), ""),
        (["accuracy"], "accuracy", ("input|sample_weight",), ""),
        (["accuracy"], "mae", ("input|sample_weight", "mask|0"), ""),
        (None, "accuracy", ("input|sample_weight", "mask|0"), ""),
    ],
)
def test_a_weighted_metric_is_known_where_the_loss_has_weights_and_a_mask(
    tmp_path: Path, weighted: object, name: str, parts: tuple[str, ...], known: str
) -> None:
    folder = Folder(tmp_path, ENVIRONMENTS)
    compiled = {"metrics": None, "weighted_metrics": weighted}
    folder.trained(plain(configuration("torch")), 1.0, compiled=compiled)
    call = RecordedCall(state="0", kind="loss", name="loss", of="MeanSquaredError")
    folder.recorded("torch", [(call, dict.fromkeys(("input|y_true", "input|y_pred", *parts), X))])
    assert known_defects.of_metric(folder.read(READY), configuration("torch"), name) == known


def test_of_a_model_that_was_not_compiled_nothing_is_known(tmp_path: Path) -> None:
    folder = Folder(tmp_path, ENVIRONMENTS)
    folder.trained(plain(configuration("torch")), 1.0)
    assert known_defects.of_metric(folder.read(READY), configuration("torch"), "best") == ""


# -- layers that train as they predict

X = np.array([[1.0, -2.0]])


def dropped(trained: np.ndarray) -> RecordedArrays:
    call = RecordedCall(state="0", kind="layer", name="drop", of="Dropout", config=json.dumps({"rate": 0.5}))
    return call, {"input|0": X, "output|0": trained}


def named(path: Path, environment: str, call: RecordedArrays, step: np.ndarray) -> tuple[Cause, ...]:
    folder = Folder(path, ENVIRONMENTS)
    folder.recorded(environment, [call])
    folder.stepped(steps_of(plain(configuration(environment))), {"forward|drop": step[0]})
    at = place("forward", "drop")
    return known_defects.named(folder.read(READY), configuration(environment), (), at, frozenset())


def test_dropout_that_drops_nothing_where_fit_trains_is_a_known_defect_of_jax(tmp_path: Path) -> None:
    [cause] = named(tmp_path, "jax", dropped(2 * X), X)
    assert (cause.code, cause.subject) == (Code.DEFINITION, "jax")
    assert dict(cause.detail) == {
        "what": "layer", "class": "Dropout", "name": "drop", "stage": "training", "known": "K-76"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("environment", "trained", "step"),
    [
        ("torch", 2 * X, X),
        ("jax", 2 * X, 2 * X),  # it drops as it does when it is called
        ("jax", X, X),  # it drops nothing when it is called, too
        ("jax", 2 * X, 3 * X),
    ],
)
def test_of_any_other_layer_nothing_is_said(tmp_path: Path, environment: str, trained: np.ndarray, step: np.ndarray) -> None:
    assert named(tmp_path, environment, dropped(trained), step) == ()


@pytest.mark.parametrize(
    ("environment", "outside", "known"),
    [("torch", "base/lora_kernel_a, base/lora_kernel_b", "K-88"), ("torch", "base/kernel", ""), ("torch", "", ""),
     ("jax", "base/lora_kernel_a", "")],
)  # fmt: skip
def test_gradients_of_weights_that_torch_does_not_know_of_are_a_known_defect(
    tmp_path: Path, environment: str, outside: str, known: str
) -> None:
    made = Folder(tmp_path, ENVIRONMENTS)
    made.trained(plain(configuration(environment)), 1.0, facts={OUTSIDE: outside} if outside else {})
    [found] = known_defects.named(
        made.read(READY), configuration(environment), [Cause(code=known_defects.LOCAL)],
        place("gradient", "base/lora_kernel_a"), frozenset()
    )  # fmt: skip
    assert dict(found.detail).get("known", "") == known


@pytest.mark.parametrize(("keras", "known"), [("3.0.0", "K-75"), ("3.0.5", ""), ("3.15.1", "")])
def test_statistics_without_a_gradient_are_the_known_defect_of_old_versions(tmp_path: Path, keras: str, known: str) -> None:
    old = tuple(replace(one, packages={"keras": keras}) for one in READY)
    cause = Cause(code=known_defects.WITHOUT_STATISTICS)
    folder = Folder(tmp_path, ENVIRONMENTS).read(old)
    [found] = known_defects.named(folder, configuration("torch"), [cause], place("gradient", "norm"), frozenset())
    assert dict(found.detail).get("known", "") == known


def layer(name: str, of: str, own: bool = True) -> RecordedArrays:
    return RecordedCall(state="0", kind="layer", name=name, of=of, own=own), {"input|0": X}


RESIZE, NORM = layer("resize", "Resizing"), layer("norm", "BatchNormalization")


@pytest.mark.parametrize(
    ("calls", "moved", "known"),
    [
        ([RESIZE, NORM], {"norm"}, "K-90"),
        ([NORM, RESIZE], {"norm"}, ""),  # it is called before
        ([RESIZE, layer("norm", "Observer", own=False)], {"norm"}, ""),  # a layer of the user's may do so by itself
        ([RESIZE, NORM], {"norm", "counter"}, ""),
        ([layer("scale", "Rescaling"), NORM], {"norm"}, ""),
    ],
)
def test_what_predicting_changes_is_a_known_defect_behind_a_layer_that_prepares_images(
    tmp_path: Path, calls: list[RecordedArrays], moved: set[str], known: str
) -> None:
    folder = Folder(tmp_path, ENVIRONMENTS)
    folder.recorded("torch", calls)
    assert known_defects.of_moving(folder.read(READY), configuration("torch"), moved) == known


@pytest.mark.parametrize(("environment", "shared", "known"), [("jax", (), "K-76"), ("jax", (1,), ""), ("torch", (), "")])
def test_inference_mode_in_jax_alone_is_the_known_defect(
    tmp_path: Path, environment: str, shared: tuple[int, ...], known: str
) -> None:
    cause = Cause(code=known_defects.INFERENCE)
    codes = frozenset(known_defects.INFERENCE for _ in shared)
    folder = Folder(tmp_path, ENVIRONMENTS).read(READY)
    [found] = known_defects.named(folder, configuration(environment), [cause], place("forward", "norm"), codes)
    assert dict(found.detail).get("known", "") == known


@pytest.mark.parametrize(
    ("masked", "detail", "known"),
    [(True, known_defects.OF_EACH_REPLICA, "K-79"), (False, known_defects.OF_EACH_REPLICA, ""), (True, "something", "")],
)
def test_statistics_of_each_replica_behind_a_mask_are_a_known_defect(
    tmp_path: Path, masked: bool, detail: str, known: str
) -> None:
    folder = Folder(tmp_path, ENVIRONMENTS, devices=(1, 2))
    call = RecordedCall(state="0", kind="layer", name="norm", of="BatchNormalization")
    folder.recorded("jax", [(call, {"input|0": X} | ({"mask|0": np.array([True])} if masked else {}))])
    cause = Cause(code=known_defects.SEMANTICS, detail=(("variant", detail),))
    where = configuration("tensorflow", 2)
    at = place("batch statistics", "norm/moving_mean")
    [found] = known_defects.named(folder.read(READY), where, [cause], at, frozenset())
    assert dict(found.detail).get("known", "") == known


# -- weights that are lost over replicas


@pytest.mark.parametrize(
    ("environment", "optimizer", "kernel", "devices", "known"),
    [
        ("tensorflow", "LossScaleOptimizer", np.nan, 2, "K-78"),
        ("tensorflow", "LossScaleOptimizer", 1.0, 2, ""),  # the loss alone is lost
        ("tensorflow", "LossScaleOptimizer", np.nan, 1, ""),
        ("tensorflow", "SGD", np.nan, 2, ""),
        ("torch", "LossScaleOptimizer", np.nan, 2, ""),
    ],
)
def test_a_loss_scale_that_lets_infinite_gradients_through_on_several_devices_is_known(
    tmp_path: Path, environment: str, optimizer: str, kernel: float, devices: int, known: str
) -> None:
    folder = Folder(tmp_path, ENVIRONMENTS, devices=(1, 2))
    alone, several = configuration(environment), configuration(environment, devices)
    compiled = {"optimizer": {"class": optimizer}}
    folder.trained(plain(alone), 1.0, compiled=compiled)
    if several != alone:
        folder.trained(plain(several), kernel, compiled=compiled)
    assert known_defects.of_lost_weights(folder.read(READY), several, alone) == known


def test_what_is_lost_on_one_device_as_well_is_no_defect_of_replicas(tmp_path: Path) -> None:
    folder = Folder(tmp_path, ENVIRONMENTS, devices=(1, 2))
    alone = configuration("tensorflow")
    several = replace(alone, devices=2)
    for one in (alone, several):
        folder.trained(plain(one), np.nan, compiled={"optimizer": {"class": "LossScaleOptimizer"}})
    assert known_defects.of_lost_weights(folder.read(READY), several, alone) == ""
    assert known_defects.of_lost_weights(folder.read(READY), several, None) == ""
