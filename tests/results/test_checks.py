"""One run against its oracle, its files and its definitions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite import compare
from suite.artifacts import names
from suite.artifacts.artifact import Artifact, Complete
from suite.compare.run_folder import RunFolder
from suite.explain import diagnoses
from suite.explain.products import Precision
from suite.records import (
    PRECISIONS,
    REASON,
    SHARED_AVERAGES,
    Cause,
    Code,
    ConsistencyCheck,
    Manifest,
    Run,
    RunRow,
    Status,
    Verdict,
    plain,
)
from suite.results.checks import Sides, _compared, _with_reruns, checks
from tests.explain.run_folders import KERNEL, Folder, RecordedArrays, configuration, dense_call, oracle

RUN = plain(configuration("torch"))
FORMS = (names.KERAS_FILE, names.WEIGHTS_FILE, names.UNBUILT)


def folder(path: Path, **kernels: float) -> Folder:
    """Environments on one device; every file is loaded everywhere as it was saved. `torch=1.0`: what its runs and oracles
    train the kernel to."""
    made = Folder(path, list(kernels))
    made.all_trained(kernels)
    for name, kernel in kernels.items():
        for environment in kernels:
            for form in FORMS if environment == name else (names.KERAS_FILE,):
                load(made, name, environment, kernel, form=form)
    return made


def load(
    made: Folder, name: str, environment: str, kernel: float, output: float = 1.0, form: str = names.KERAS_FILE
) -> None:
    """What the environment loads from the files of both precisions."""
    for precision in PRECISIONS:
        made.loaded(plain(configuration(name), precision), environment, kernel, output, form)


def found(made: Folder, kind: str, environment: str = "", name: str = "torch", form: str = "") -> ConsistencyCheck:
    """The one check of this kind of the run in an environment."""
    composition = made.composition()
    (check,) = (
        check
        for check in checks(composition.folder, composition, Precision(composition.folder, composition.backends))
        if check.kind == kind
        and check.run.configuration.environment == name
        and environment in ("", check.environment)
        and form in ("", check.form)
    )
    return check


def test_a_run_has_a_check_of_every_kind(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    made.recorded("torch", [dense_call()])
    composition = made.composition()
    every = list(checks(composition.folder, composition, Precision(composition.folder, composition.backends)))
    seen = [(one.run.configuration.environment, one.kind, one.environment, one.form) for one in every]
    for name, other in (("torch", "jax"), ("jax", "torch")):
        assert [one[1:] for one in seen if one[0] == name and one[1] != "defined"] == [
            ("declared", name, ""),
            ("saved", name, "model.keras"),
            ("saved", name, "model.weights.h5"),
            ("saved", name, "model.weights.h5+unbuilt"),
            ("reloaded", other, "model.keras"),
        ]
    assert [one[0] for one in seen if one[1] == "defined"] == ["torch"], "only where it was asked for"
    assert {check.verdict for check in every} == {Verdict.IDENTICAL, Verdict.ROUNDING}


# ---------------------------------------------------------------- against its oracle


def test_a_run_that_is_not_what_it_declares_is_different_in_its_own_environment(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    made.trained(plain(configuration("torch"), "float64"), 1.1)
    check = found(made, "declared")
    assert (check.verdict, check.environment) == (Verdict.DIFFERENT, "torch")
    assert check.causes == (Cause(code=Code.UNKNOWN),)
    assert found(made, "declared", name="jax").verdict is Verdict.IDENTICAL


def test_without_an_oracle_it_was_not_run_and_says_why(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0)
    made.store.run(oracle("torch")).discard()
    check = found(made, "declared")
    assert check.verdict is Verdict.NOT_RUN
    assert check.causes[0].reason.startswith("no oracle: it did not start")


@pytest.mark.parametrize(("devices", "code"), [(1, Code.UNSUPPORTED), (2, Code.NOT_RUN)])
def test_a_step_that_no_oracle_emulates_is_no_failure_where_no_strategy_is_left_unchecked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devices: int, code: Code
) -> None:
    made = Folder(tmp_path, ["torch", "jax"], devices=(devices,))
    made.all_trained({"torch": 1.0, "jax": 1.0})
    made.store.run(oracle("torch", devices)).discard()
    assert [cause.code for cause in found(made, "declared").causes] == [Code.NOT_RUN], "it failed"
    row = RunFolder.row

    def refused(self: RunFolder, run: Run) -> RunRow:
        told = row(self, run)
        return replace(told, status=Status.UNSUPPORTED if run == oracle("torch", devices) else told.status)

    monkeypatch.setattr(RunFolder, "row", refused)
    assert [cause.code for cause in found(made, "declared").causes] == [code]
    monkeypatch.setattr(diagnoses, "compared", lambda subject: diagnoses.UNEMULATED)
    assert [cause.code for cause in found(made, "declared", name="jax").causes] == [Code.NOT_RUN], "an oracle ran"


def test_nan_in_the_run_alone_is_its_own(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0)
    made.trained(plain(configuration("torch"), "float64"), float("nan"))
    (cause,) = found(made, "declared").causes
    assert (cause.code, cause.subject) == (Code.NON_FINITE, "torch")


def test_nan_in_the_oracle_alone_leaves_the_run_unchecked(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0)
    made.trained(oracle("torch"), float("nan"))
    check = found(made, "declared")
    assert check.verdict is Verdict.INCONCLUSIVE
    assert [(cause.code, cause.subject) for cause in check.causes] == [(Code.UNCHECKED, "torch")]
    assert "its emulation, not compiled as the run is, reaches NaN or infinity at step 1" in check.causes[0].reason


# ---------------------------------------------------------------- against definitions


@pytest.mark.parametrize(
    ("calls", "verdict", "causes"),
    [
        ([dense_call()], Verdict.ROUNDING, []),
        ([dense_call(off=1e-3), dense_call("other", off=1e-3)], Verdict.DIFFERENT, [Code.DEFINITION] * 2),
        ([dense_call(off=1e-8)], Verdict.ROUNDING, []),  # as much as float32 rounds
        ([dense_call(), dense_call("own", own=False)], Verdict.ROUNDING, [Code.UNDEFINED]),
        ([dense_call("own", own=False)], Verdict.INCONCLUSIVE, [Code.UNDEFINED]),
        ([dense_call(off=1e-3), dense_call("own", own=False)], Verdict.DIFFERENT, [Code.DEFINITION]),
        ([], Verdict.INCONCLUSIVE, []),
    ],
)
def test_its_calls_are_held_against_their_definitions(
    tmp_path: Path, calls: list[RecordedArrays], verdict: Verdict, causes: list[str]
) -> None:
    made = folder(tmp_path, torch=1.0)
    made.recorded("torch", calls)
    check = found(made, "defined")
    assert (check.verdict, [cause.code for cause in check.causes]) == (verdict, causes)
    undefined = [name for cause in check.causes if cause.code == Code.UNDEFINED for _, name in cause.detail]
    assert set(undefined) <= {"own"}


@pytest.mark.parametrize(
    ("elsewhere", "subjects"),
    [(1e-3, {"torch": "", "jax": ""}), (0.0, {"torch": "torch"}), (None, {"torch": "torch"})],
)
def test_what_departs_alike_in_every_environment_is_one_cause(
    tmp_path: Path, elsewhere: float | None, subjects: dict[str, str]
) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    made.recorded("torch", [dense_call(off=1e-3)])
    if elsewhere is not None:
        made.recorded("jax", [dense_call(off=elsewhere)])
    for name, subject in subjects.items():
        [cause] = found(made, "defined", name=name).causes
        assert (cause.code, cause.subject) == (Code.DEFINITION, subject)


def test_calls_that_were_asked_for_and_not_recorded_are_not_run(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0)
    made.recorded("torch", [])
    made.store.run(made.further[0]).discard()
    check = found(made, "defined")
    assert (check.verdict, check.causes[0].code) == (Verdict.NOT_RUN, Code.NOT_RUN)
    assert check.causes[0].reason.startswith("it did not start")


# ---------------------------------------------------------------- against its files


def test_who_loads_a_file_with_a_different_state_misloads_it(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    load(made, "torch", "jax", 1.1)
    check = found(made, "reloaded")
    assert (check.verdict, check.causes) == (Verdict.DIFFERENT, (Cause(code=Code.LOADED_WRONGLY, subject="jax"),))
    assert found(made, "saved", form="model.keras").verdict is Verdict.IDENTICAL


def test_who_saved_it_misloads_it_if_others_load_what_was_saved(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    load(made, "torch", "torch", 1.1)
    misloads = (Cause(code=Code.LOADED_WRONGLY, subject="torch"),)
    for kind in ("reloaded", "saved"):
        check = found(made, kind, form="model.keras")
        assert (check.verdict, check.causes) == (Verdict.DIFFERENT, misloads), kind


def test_a_file_that_nobody_loads_as_it_was_saved_accuses_nobody(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    load(made, "torch", "torch", 1.1)
    load(made, "torch", "jax", 1.2)
    check = found(made, "reloaded")
    assert (check.verdict, check.causes) == (Verdict.DIFFERENT, (Cause(code=Code.UNKNOWN),))
    check = found(made, "saved", form="model.keras")
    [cause] = check.causes
    assert (check.verdict, cause.code, cause.detail) == (
        Verdict.DIFFERENT, Code.SAVE_ALTERED, (("tensor", "dense/kernel"),)
    )  # fmt: skip


def test_an_equal_state_that_predicts_differently_is_the_backends(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    load(made, "torch", "jax", 1.0, output=1.1)
    check = found(made, "reloaded")
    assert (check.verdict, check.causes) == (Verdict.DIFFERENT, (Cause(code=Code.UNKNOWN),))
    other = folder(tmp_path / "other", torch=1.0, jax=1.1)
    load(other, "torch", "jax", 1.0, output=1.1)
    other.recorded("jax", [dense_call(off=1e-2)])
    check = found(other, "reloaded")
    assert check.verdict is Verdict.DIFFERENT
    assert [(cause.code, cause.subject) for cause in check.causes] == [(Code.DEFINITION, "jax")]


def test_a_file_loaded_elsewhere_is_weighed_by_the_reruns_that_show_what_float32_rounds_there(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    perturbed = Run(configuration=configuration("jax"), variation="perturbed", precision="float64")
    made.rerun(perturbed, 1.0 + 1e-6, start=1e-6)
    read = made.read()
    subject = read.subject(configuration("torch"))
    assert not isinstance(subject, str) and subject.perturbed == ()

    def reruns(kind: str, environment: str) -> int:
        sides = Sides(kind=kind, environment=environment, sides=(), doubles=())
        return len(_with_reruns(read, subject, configuration("torch"), sides).perturbed)

    assert (reruns("reloaded", "jax"), reruns("saved", "jax"), reruns("reloaded", "torch")) == (2, 0, 0)


def test_predictions_from_an_equal_state_are_a_step_from_a_common_one(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    made.store.run(plain(configuration("torch"), "float64")).discard()
    load(made, "torch", "jax", 1.0, output=1.0 + 1e-7)
    check = found(made, "reloaded")
    assert (check.verdict, [cause.code for cause in check.causes]) == (Verdict.ROUNDING, [Code.NO_FLOAT64])
    load(made, "torch", "jax", 1.0 + 1e-7, output=1.0 + 1e-7)
    assert found(made, "reloaded").verdict is Verdict.DIFFERENT, "a file holds copies: a bit of the state is a difference"


def test_a_file_that_cannot_be_loaded_is_not_run_for_the_loaders_reason(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0, jax=1.0)
    made.loaded(RUN, "jax", 1.0, reason="jax does not know this layer")
    check = found(made, "reloaded")
    assert check.verdict is Verdict.NOT_RUN
    detail = (("status", "unsupported"), (REASON, "jax does not know this layer"))
    assert check.causes == (Cause(code=Code.UNSUPPORTED, detail=detail),)


def test_a_live_model_that_does_not_go_on_is_no_check_that_is_left_out(tmp_path: Path) -> None:
    made = folder(tmp_path, torch=1.0)
    made.trained(RUN, 1.0, after_saving="ValueError: no test step")
    check = found(made, "resumed")
    (cause,) = check.causes
    assert (check.verdict, cause.code) == (Verdict.NOT_RUN, Code.UNSUPPORTED)
    assert "no test step" in dict(cause.detail)[REASON]


LOST = Code.LOADED_DIFFERENTLY


@pytest.mark.parametrize(
    ("kernel", "first", "causes"),
    [
        (1.0, 1.0, {}),
        (1.0, 3.0, {compare.PREDICTIONS: LOST}),
        (2.0, 1.0, {compare.WEIGHTS: Code.UNKNOWN}),  # other weights, of which nothing shows, as where kernels are merged
        (2.0, 3.0, {compare.WEIGHTS: Code.UNKNOWN, compare.PREDICTIONS: LOST}),
    ],
)
def test_what_a_file_has_lost_explains_no_prediction_of_a_replica_whose_first_one_predicts_alike(
    tmp_path: Path, kernel: float, first: float, causes: dict[str, Code]
) -> None:
    made, where = Folder(tmp_path, ["torch"], devices=(2,)), configuration("torch", 2)

    def written(
        artifact: Artifact, predictions: dict[str, np.ndarray], decay: float, step: int, value: float = 1.0
    ) -> Complete:
        begun = Manifest(run="r", status=Status.STARTED, steps=(0, step), replicas=2, tensors=(KERNEL,))
        with artifact.recording(begun) as recorded:
            for one in {0, step}:
                recorded.add(names.step(one), {"dense/kernel": np.full(4, value)})
            recorded.add(names.predictions(step), predictions)
            recorded.add(names.LAYERS, {"center": np.frombuffer(json.dumps({"decay": decay}).encode(), np.uint8)})
        manifest = artifact.manifest()
        assert manifest
        return artifact, manifest

    rows = np.array([0, 1], np.int32)
    run = written(made.store.run(plain(where)), {"output": np.array([[1.0], [2.0]]), "replica": rows}, 0.6, 1)
    file = made.store.reload(plain(where), "torch", names.KERAS_FILE)
    loaded = compare.reloaded(*written(file, {"output": np.array([[first], [1.0]])}, 0.9, 0, kernel), run[1])
    subject = compare.Subject(plain=run, outputs="values", no_float64="none was planned")
    sides = Sides(kind="saved", environment="torch", form=names.KERAS_FILE, sides=[compare.live(*run), loaded])
    components = _compared(where, subject, sides).components
    assert {name: cause.code for part in components for name in part.distances for cause in part.causes} == causes


@pytest.mark.parametrize(("devices", "shared", "said"), [(2, True, True), (2, False, False), (1, True, False)])
def test_averages_that_share_memory_are_said_of_several_devices_where_nothing_is_trained_on(
    tmp_path: Path, devices: int, shared: bool, said: bool
) -> None:
    made = Folder(tmp_path, ["jax"], devices=(devices,))
    made.all_trained({"jax": 1.0})
    run = plain(configuration("jax", devices))
    made.trained(run, 1.0, facts={SHARED_AVERAGES: "2"} if shared else {})
    composition = made.composition()
    every = checks(composition.folder, composition, Precision(composition.folder, composition.backends))
    resumed = [(check.run, check.verdict, check.causes) for check in every if check.kind == "resumed"]
    cause = Cause(code=Code.SHARED_AVERAGES, subject="jax")
    assert resumed == ([(run, Verdict.DIFFERENT, (cause,))] if said else [])
