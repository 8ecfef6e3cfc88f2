"""A float64 run against its own reruns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite.artifacts import names
from suite.artifacts.artifact import Artifact, Complete
from suite.compare import WEIGHTS, Subject
from suite.compare.envelopes import envelope, float64_envelope
from suite.compare.snapshots import OPTIMIZER
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


def test_nothing_is_rounding_while_nothing_is_trained(tmp_path: Path) -> None:
    """As while gradients are accumulated: a rerun that begins elsewhere is as far away as it has travelled."""
    still, moving = run(tmp_path / "still", 1.0, 1.0), run(tmp_path / "moving", 1.0, 2.0)
    nudged = np.nextafter(1.0, 2.0)
    reruns = run(tmp_path / "of-still", nudged, nudged), run(tmp_path / "of-moving", nudged, 2.0 + 1e-12)
    assert envelope(Subject(plain=still, permuted=(reruns[0],)), WEIGHTS, 1)["train"] == 0.0
    assert 0.0 < envelope(Subject(plain=moving, permuted=(reruns[1],)), WEIGHTS, 1)["train"] < 1e-11
