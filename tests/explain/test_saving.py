"""What a file holds instead of the live model is found bit by bit, and nothing else is called so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suite.artifacts.artifact import Artifact
from suite.compare import Snapshot
from suite.explain import saving
from suite.records import Cause, Code, Manifest, Status

LIVE = {"a/kernel": np.arange(4.0), "b/kernel": np.arange(4.0) + 10, "norm/mean": np.ones(3)}
EARLY = {name: value - 1 for name, value in LIVE.items()}
OTHER = LIVE | {"norm/mean": np.full(3, 2.0)}
SLOTS = {"a/kernel/momentum": np.ones(4), "iteration": np.array(20)}


def written(folder: Path, name: str, **arrays: dict[str, np.ndarray]) -> tuple[Artifact, Manifest]:
    artifact, manifest = Artifact(folder / name), Manifest(run=name, status=Status.COMPLETE, steps=(0, 5, 20), replicas=2)
    artifact.begin(manifest)
    for part, values in arrays.items():
        artifact.add(part.replace("_", "-"), values)
    artifact.finish(manifest)
    found = artifact.manifest()
    assert found
    return artifact, found


@pytest.fixture
def run(tmp_path: Path) -> tuple[Artifact, Manifest]:
    start = {name: value * 0 for name, value in LIVE.items()}
    return written(
        tmp_path, "run", step_0=start, step_5=EARLY, step_20=LIVE, replica_0=LIVE, replica_1=OTHER, optimizer_20=SLOTS
    )


def causes(
    run: tuple[Artifact, Manifest], folder: Path, state: dict[str, np.ndarray], slots: dict[str, np.ndarray] | None = None
) -> tuple[Cause, ...]:
    artifact, manifest = written(folder, "file", step_0=state, **({"optimizer_0": slots} if slots else {}))
    snapshot = Snapshot(artifact=artifact, manifest=manifest, state="step-0", slots="optimizer-0" if slots else "")
    return saving.causes(*run, snapshot)


def test_the_live_model_has_no_cause(run: tuple[Artifact, Manifest], tmp_path: Path) -> None:
    assert causes(run, tmp_path, LIVE, SLOTS) == ()


def test_an_earlier_step_and_another_replica_are_named(run: tuple[Artifact, Manifest], tmp_path: Path) -> None:
    assert causes(run, tmp_path, EARLY) == (Cause(code=Code.SAVE_STALE, detail=(("step", "5"),)),)
    assert causes(run, tmp_path, OTHER) == (Cause(code=Code.SAVE_WRONG_REPLICA, detail=(("replica", "1"),)),)


def test_swapped_tensors_are_named(run: tuple[Artifact, Manifest], tmp_path: Path) -> None:
    swapped = LIVE | {"a/kernel": LIVE["b/kernel"], "b/kernel": LIVE["a/kernel"]}
    detail = (("a/kernel", "b/kernel"), ("b/kernel", "a/kernel"))
    assert causes(run, tmp_path, swapped) == (Cause(code=Code.SAVE_SWAPPED, detail=detail),)


def test_slots_that_do_not_come_back_are_named(run: tuple[Artifact, Manifest], tmp_path: Path) -> None:
    """An optimizer that is built when it is first used has none of its own yet."""
    without = {"iteration": SLOTS["iteration"]}
    (cause,) = causes(run, tmp_path, LIVE, without)
    assert cause.code == Code.SLOTS_NOT_SAVED and {what for what, _ in cause.detail} == {"tensor"}
    assert [name for _, name in cause.detail] == sorted(name for name in SLOTS if name not in without)


def test_slots_that_are_zero_are_named(run: tuple[Artifact, Manifest], tmp_path: Path) -> None:
    empty = {name: value * 0 for name, value in SLOTS.items()}
    assert causes(run, tmp_path, LIVE, empty) == (Cause(code=Code.SLOTS_NOT_SAVED),)
    assert causes(run, tmp_path, LIVE, SLOTS | {"a/kernel/momentum": np.full(4, 2.0)}) == ()


def altered(
    run: tuple[Artifact, Manifest], folder: Path, state: dict[str, np.ndarray]
) -> tuple[dict[str, list[str]], float] | None:
    artifact, manifest = written(folder, "file", step_0=state)
    found = saving.altered(*run, Snapshot(artifact=artifact, manifest=manifest, state="step-0"))
    if not found:
        return None
    [cause] = found
    detail = {what: [name for of, name in cause.detail if of == what] for what, _ in cause.detail}
    return detail, dict(cause.evidence)["distance"]


def test_tensors_with_other_numbers_are_named_with_the_format_that_they_are_rounded_to(
    run: tuple[Artifact, Manifest], tmp_path: Path
) -> None:
    """Not those that are at their initial values: a file does not hold these."""
    assert altered(run, tmp_path / "live", LIVE) is None
    assert altered(run, tmp_path / "shape", LIVE | {"a/kernel": np.arange(6.0)}) is None, "another shape is another thing"
    assert altered(run, tmp_path / "lost", LIVE | {"a/kernel": LIVE["a/kernel"] * 0}) is None
    third = LIVE["a/kernel"] / 3
    found = altered(run, tmp_path / "other", LIVE | {"a/kernel": LIVE["a/kernel"] + third, "b/kernel": LIVE["b/kernel"] * 0})
    assert found is not None and found[0] == {"tensor": ["a/kernel"]}
    assert found[1] == pytest.approx(0.25)  # of the larger of both
    odd = {name: value / 3 for name, value in LIVE.items()}
    start = {name: value * 0 for name, value in LIVE.items()}
    trained = written(tmp_path, "thirds", step_0=start, step_5=EARLY, step_20=odd)
    small = odd | {"a/kernel": odd["a/kernel"].astype(np.float16).astype(odd["a/kernel"].dtype)}
    found = altered(trained, tmp_path / "small", small)
    assert found is not None and found[0] == {"tensor": ["a/kernel"], "format": ["float16"]}


def test_one_bit_off_is_none_of_them(run: tuple[Artifact, Manifest], tmp_path: Path) -> None:
    nearly = EARLY | {"norm/mean": np.nextafter(EARLY["norm/mean"], np.inf)}
    assert causes(run, tmp_path, nearly) == ()


PREDICTED = np.arange(12.0).reshape(6, 2)


def sides(
    folder: Path,
    live: dict[str, object],
    loaded: dict[str, object],
    predicted: np.ndarray,
    mended: np.ndarray | None = None,
    restored: np.ndarray | None = None,
) -> tuple[Snapshot, Snapshot]:
    """A live model and a loaded one where a layer `gain` has these attributes, and the loaded model predicts this, with the
    live model's variables and with its attributes, too."""

    def told(attributes: dict[str, object]) -> dict[str, np.ndarray]:
        return {"gain": np.frombuffer(json.dumps(attributes).encode(), np.uint8)}

    replica = np.array([0, 0, 0, 1, 1, 1], np.int32)  # the second replica may predict with statistics of its own
    whole = np.where(replica[:, None] == 0, PREDICTED, 0.0)
    run = written(folder, "run", layers=told(live), predictions_20={"output": whole, "replica": replica})
    parts = {"predictions_0": predicted, "mended_predictions": mended, "restored_predictions": restored}
    there = {name: {"output": value} for name, value in parts.items() if value is not None}
    file = written(folder, "file", layers=told(loaded), **there)
    return (
        Snapshot(artifact=run[0], manifest=run[1], state="step-20", predictions="predictions-20"),
        Snapshot(artifact=file[0], manifest=file[1], state="step-0", predictions="predictions-0"),
    )


def loaded_layers(folder: Path, *attributes_and_predictions: Any) -> tuple[Cause, ...]:
    return saving.layers(*sides(folder, *attributes_and_predictions))


def test_an_attribute_that_is_lost_and_closes_the_gap_is_the_cause(tmp_path: Path) -> None:
    found = loaded_layers(tmp_path, {"factor": 2.5, "axis": 1}, {"factor": 1.0, "axis": 1}, PREDICTED / 2.5, PREDICTED)
    [cause] = found
    assert (cause.code, cause.detail) == (Code.LOADED_DIFFERENTLY, (("gain.factor", "2.5 -> 1.0"),))
    assert dict(cause.evidence)["without"] > 0.1
    assert dict(cause.evidence)["with"] == 0


def test_an_attribute_that_changes_nothing_is_not_a_cause(tmp_path: Path) -> None:
    assert loaded_layers(tmp_path, {"calls": 12}, {"calls": 0}, PREDICTED * 2, PREDICTED * 2) == ()
    assert loaded_layers(tmp_path, {"calls": 0}, {"calls": 0}, PREDICTED * 2) == ()


def test_an_array_that_is_lost_is_named_by_its_shape(tmp_path: Path) -> None:
    drawn, again = {"shape": [5, 8], "sha256": "1f"}, {"shape": [5, 8], "sha256": "2f"}
    wider = {"shape": [5, 9], "sha256": "2f"}
    for number, (loaded, words) in enumerate([(again, "other values"), (wider, "array [5, 9]")]):
        folder = tmp_path / str(number)
        [cause] = loaded_layers(folder, {"matrix": drawn}, {"matrix": loaded}, PREDICTED * 2, PREDICTED)
        assert cause.detail == (("gain.matrix", f"array [5, 8] -> {words}"),)


def test_what_an_attribute_does_not_close_has_an_unknown_cause_beside_it(tmp_path: Path) -> None:
    found = loaded_layers(tmp_path, {"factor": 2.5}, {"factor": 1.0}, PREDICTED * 2, PREDICTED * 1.1)
    assert [cause.code for cause in found] == [Code.LOADED_DIFFERENTLY, Code.UNKNOWN]


def test_an_attribute_that_shows_only_in_training_is_named_without_numbers(tmp_path: Path) -> None:
    [cause] = loaded_layers(tmp_path, {"rate": 0.5}, {"rate": 0.0}, PREDICTED, PREDICTED)
    assert (cause.detail, cause.evidence) == ((("gain.rate", "0.5 -> 0.0"),), ())


def test_attributes_that_only_one_side_has_are_not_compared(tmp_path: Path) -> None:
    assert loaded_layers(tmp_path, {"built_with": 3}, {"seen": 3}, PREDICTED * 2) == ()


HEAT = Cause(code=Code.NOT_SAVED, detail=(("tensor", "scale/heat"),))
Attributes = dict[str, object]
LOST: tuple[Attributes, Attributes] = ({"factor": 2.5}, {"factor": 1.0})
KEPT: tuple[Attributes, Attributes] = ({"factor": 2.5}, {"factor": 2.5})


@pytest.mark.parametrize(
    ("attributes", "mended", "restored", "codes"),
    [
        (KEPT, None, PREDICTED, [Code.NOT_SAVED]),
        (KEPT, None, PREDICTED * 2, [Code.UNKNOWN]),  # putting the weight back moves nothing
        (KEPT, None, PREDICTED * 1.3, [Code.NOT_SAVED, Code.UNKNOWN]),
        (KEPT, None, None, [Code.NOT_SAVED]),  # nothing was put back: what is known of the state
        (LOST, PREDICTED, PREDICTED * 1.3, [Code.NOT_SAVED, Code.LOADED_DIFFERENTLY]),
        (LOST, PREDICTED, PREDICTED * 2, [Code.LOADED_DIFFERENTLY]),
        (LOST, PREDICTED * 1.1, PREDICTED * 1.3, [Code.NOT_SAVED, Code.LOADED_DIFFERENTLY, Code.UNKNOWN]),
        (LOST, PREDICTED, None, [Code.LOADED_DIFFERENTLY]),
        (LOST, PREDICTED, PREDICTED, [Code.NOT_SAVED]),  # the attribute changes nothing that is predicted
    ],
)
def test_lost_state_explains_predictions_as_far_as_putting_it_back_does(
    tmp_path: Path,
    attributes: tuple[Attributes, Attributes],
    mended: np.ndarray | None,
    restored: np.ndarray | None,
    codes: list[Code],
) -> None:
    found = saving.predictions(*sides(tmp_path, *attributes, PREDICTED * 2, mended, restored), (HEAT,))
    assert [cause.code for cause in found] == codes


def test_lost_state_is_no_reason_where_the_first_replica_predicts_alike(tmp_path: Path) -> None:
    assert saving.predictions(*sides(tmp_path, *LOST, PREDICTED, None, PREDICTED * 2), (HEAT,)) == ()


def compiled(folder: Path, live: object, loaded: object, argument: str = "loss") -> tuple[Cause, ...]:
    def told(name: str, loss: object) -> Snapshot:
        text = np.frombuffer(json.dumps(loss).encode().ljust(200, b"\0"), np.uint8)
        artifact, manifest = written(folder, name, compiled={argument: text})
        facts = {"backend": "jax", "keras": "3.15.1"}
        return Snapshot(artifact=artifact, manifest=replace(manifest, facts=facts), state="", compiled="compiled")

    return saving.compiled(told("run", live), told("file", loaded))


def test_a_loss_that_is_known_to_lose_an_argument_is_called_a_known_defect(tmp_path: Path) -> None:
    live, loaded = {"class": "Huber", "delta": 0.25}, {"class": "Huber", "delta": 1.0}
    [cause] = compiled(tmp_path, live, loaded)
    assert cause.detail == (("loss.delta", "0.25 -> 1.0"), ("known", "K-12"))


def test_a_metric_that_is_known_to_lose_an_argument_is_called_a_known_defect(tmp_path: Path) -> None:
    live, loaded = [{"class": "CosineSimilarity", "axis": 1}], [{"class": "CosineSimilarity", "axis": -1}]
    [cause] = compiled(tmp_path, live, loaded, "metrics")
    assert cause.detail == (("metrics[0].axis", "1 -> -1"), ("known", "K-86"))


@pytest.mark.parametrize(
    "live",
    [
        {"class": "Own", "delta": 0.25, "scale": 1.0},
        {"class": "Huber", "delta": 0.25, "scale": 2.0},
        {"class": "Huber", "delta": 1.0, "scale": 2.0},
    ],
)
def test_a_loss_of_ones_own_or_that_loses_more_is_not(tmp_path: Path, live: dict[str, object]) -> None:
    [cause] = compiled(tmp_path, live, {**live, "delta": 1.0, "scale": 1.0})
    assert "known" not in dict(cause.detail)


def test_a_long_value_is_not_cut_in_a_name(tmp_path: Path) -> None:
    names = [f"attention/{what}/bias" for what in ("query", "key", "value", "output")]
    [cause] = compiled(tmp_path, {"class": "Own", "names": names}, {"class": "Own", "names": []})
    assert cause.detail == (("loss.names", '["attention/query/bias", "attention/key/bias", …] (4 in all) -> []'),)
    [cause] = compiled(tmp_path, {"class": "Own", "name": "x" * 90}, {"class": "Own", "name": "y"})
    assert cause.detail == (("loss.name", f'"{"x" * 59}… -> "y"'),)


def test_attributes_that_cannot_be_read_are_no_cause(tmp_path: Path) -> None:
    deep = np.frombuffer(b"[" * 100_000, np.uint8)
    run = written(tmp_path, "run", layers={"gain": deep, "shift": np.frombuffer(b"3", np.uint8)})
    side = Snapshot(artifact=run[0], manifest=run[1], state="step-20")
    assert saving.layers(side, side) == ()
