"""A float64 run against its own reruns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite.artifacts import names
from suite.artifacts.artifact import Artifact, Complete
from suite.compare import WEIGHTS, Subject
from suite.compare.envelopes import envelope, float64_envelope, perturbed_envelope
from suite.compare.measuring import Sides, distances_of, measure
from suite.compare.snapshots import OPTIMIZER, OTHER, trained, vanishing, with_neutral_state
from suite.judge.envelopes import beyond
from suite.records import Manifest, Status, Tensor, TensorGroup

KERNEL = Tensor(name="kernel", shape=(3,), dtype="float64", group=TensorGroup.KERNEL, layer="dense")


def run(folder: Path, start: float, moved: float, slot: float = 0.0) -> Complete:
    artifact = Artifact(folder)
    manifest = Manifest(run=folder.name, status=Status.STARTED, tensors=(KERNEL,), steps=(0, 1), predicted=(1,))
    artifact.begin(manifest)
    artifact.add("step-0", {"kernel": np.full(3, start)})
    artifact.add("step-1", {"kernel": np.full(3, moved)})
    artifact.add(names.optimizer(1), {"kernel/momentum": np.full(3, slot)})
    artifact.finish(replace(manifest, status=Status.COMPLETE))
    written = artifact.manifest()
    assert written
    return artifact, written


def test_nothing_is_rounding_before_the_first_step(tmp_path: Path) -> None:
    """Reruns of models with random layers begin a unit in the last place away, when nothing was travelled yet."""
    float64, rerun = run(tmp_path / "float64", 1.0, 2.0), run(tmp_path / "rerun", np.nextafter(1.0, 2.0), 2.0 + 1e-12)
    subject = Subject(plain=float64, float64=float64, float64_permuted=(rerun,))
    assert float64_envelope(subject, WEIGHTS, 0) == {}
    assert 0.0 < float64_envelope(subject, WEIGHTS, 1)["train"] < 1e-11


@pytest.mark.parametrize(("rounded", "least"), [(1e-5, 1e-5), (0.0, 1e-12)])
def test_slots_may_be_as_far_apart_as_float32_rounds_the_constants_of_the_optimizer(
    tmp_path: Path, rounded: float, least: float
) -> None:
    runs = [run(tmp_path / name, 1.0, 2.0, slot) for name, slot in (("plain", 1.0), ("permuted", 1.0 + 1e-12))]
    plain = runs[0][0], replace(runs[0][1], rounded_constants=rounded)
    subject = Subject(plain=plain, permuted=(runs[1],))
    assert envelope(subject, OPTIMIZER, 1)["slots"] == pytest.approx(least, rel=0.5)
    assert envelope(subject, WEIGHTS, 1)["train"] == 0.0


def stored(folder: Path, *values: float) -> Complete:
    """A run in float32 whose kernel began at 0.5999, and has these values after its one step."""
    artifact, kernel = Artifact(folder), replace(KERNEL, dtype="float32")
    manifest = Manifest(run=folder.name, status=Status.STARTED, tensors=(kernel,), steps=(0, 1))
    artifact.begin(manifest)
    artifact.add("step-0", {"kernel": np.full(3, 0.5999, np.float32)})
    artifact.add("step-1", {"kernel": np.array(values, np.float32)})
    artifact.finish(replace(manifest, status=Status.COMPLETE))
    written = artifact.manifest()
    assert written
    return artifact, written


@pytest.mark.parametrize(("units", "is_rounding"), [(1, True), (40, False)])
def test_weights_may_be_as_far_apart_as_their_updates_are_rounded(tmp_path: Path, units: int, is_rounding: bool) -> None:
    """Where every step has one size, no rerun shows that."""
    unit = 2.0**-24  # in the last place of 0.6
    sides = stored(tmp_path / "a", 0.6, 0.6, 0.6), stored(tmp_path / "b", 0.6 + units * unit, 0.6, 0.6)
    begun, a, b = trained(*sides[0], 0), trained(*sides[0], 1), trained(*sides[1], 1)
    found = distances_of(WEIGHTS, [Sides(step=1, a=a, b=b, envelope={"train": 0.0})], begun, "values")
    assert found is not None
    assert (beyond(found) is None) is is_rounding
    assert distances_of(WEIGHTS, [Sides(step=1, a=a, b=b)], begun, "values").at[0].envelope == {}  # type: ignore[union-attr]


STATE = Tensor(name="centred/mean", shape=(2,), dtype="float32", group=TensorGroup.OTHER, layer="centred")


def keeping(folder: Path, precision: str, mean: float) -> Complete:
    """A run whose layer keeps this, a spread of 1, and a count."""
    artifact = Artifact(folder)
    tensors = (STATE, replace(STATE, name="centred/spread"), replace(STATE, name="centred/count", dtype="int32"))
    manifest = Manifest(run=folder.name, status=Status.STARTED, tensors=tensors, steps=(1,))
    artifact.begin(manifest)
    values = {"centred/mean": np.full(2, mean, precision), "centred/spread": np.ones(2, precision)}
    artifact.add("step-1", values | {"centred/count": np.zeros(2, np.int32)})
    artifact.finish(replace(manifest, status=Status.COMPLETE))
    written = artifact.manifest()
    assert written
    return artifact, written


@pytest.mark.parametrize(
    ("means", "neutral"),
    [
        ((1e-8, 1e-17, -2e-9, 3e-17), True),
        ((1e-8, 1e-17, -2e-9, 3e-9), False),  # one backend holds something there, in float64 as well
        ((1e-8, 1.1e-8, 1e-8, 1.1e-8), False),  # small, and no rounding
    ],
)
def test_state_of_which_float64_leaves_nothing_is_not_compared(
    tmp_path: Path, means: tuple[float, float, float, float], neutral: bool
) -> None:
    names_of = ("a", "a64", "b", "b64")
    runs = [
        keeping(tmp_path / name, "float64" if "64" in name else "float32", mean)
        for name, mean in zip(names_of, means, strict=True)
    ]
    found = vanishing([(runs[0], runs[1]), (runs[2], runs[3])])
    assert found == ({"centred/mean"} if neutral else set())
    a, b = (trained(*with_neutral_state(runs[index], found), 1) for index in (0, 2))
    assert (measure(OTHER, a, b, None, "values")["state"] > 0) is (means[0] != means[2] and not neutral)
    assert b.arrays(OTHER).keys() == {"centred/mean", "centred/spread", "centred/count"}  # type: ignore[union-attr]


def test_a_damaged_run_costs_no_other_one_its_neutral_state(tmp_path: Path) -> None:
    runs = [keeping(tmp_path / name, name, mean) for name, mean in (("float32", 1e-8), ("float64", 1e-17))]
    damaged = [keeping(tmp_path / f"other-{name}", name, 1e-8) for name in ("float32", "float64")]
    assert vanishing([(runs[0], runs[1]), (damaged[0], damaged[1])]) == set()
    file = tmp_path / "other-float64" / "step-1.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert vanishing([(runs[0], runs[1]), (damaged[0], damaged[1])]) == {"centred/mean"}


def test_nothing_is_rounding_while_nothing_is_trained(tmp_path: Path) -> None:
    """As while gradients are accumulated: a rerun that begins elsewhere is as far away as it has travelled."""
    still, moving = run(tmp_path / "still", 1.0, 1.0), run(tmp_path / "moving", 1.0, 2.0)
    nudged = np.nextafter(1.0, 2.0)
    reruns = run(tmp_path / "of-still", nudged, nudged), run(tmp_path / "of-moving", nudged, 2.0 + 1e-12)
    for own, rerun in ((still, reruns[0]), (moving, reruns[1])):
        subject = Subject(plain=own, permuted=(rerun,), float64=own, float64_permuted=(rerun,), perturbed=(own, rerun))
        for measured in (envelope, float64_envelope, perturbed_envelope):
            found = measured(subject, WEIGHTS, 1)["train"]
            assert found == 0.0 if own is still else 0.0 < found < 1e-11
