"""A float64 run against its own reruns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from suite.artifacts.store import Artifact, Complete
from suite.compare import WEIGHTS, Subject
from suite.compare.envelopes import float64_envelope
from suite.records import Manifest, Status, Tensor, TensorGroup

KERNEL = Tensor(name="kernel", shape=(3,), dtype="float64", group=TensorGroup.KERNEL, layer="dense")


def run(folder: Path, start: float, moved: float) -> Complete:
    artifact = Artifact(folder)
    manifest = Manifest(run=folder.name, status=Status.STARTED, tensors=(KERNEL,), steps=(0, 1))
    artifact.begin(manifest)
    artifact.add("step-0", {"kernel": np.full(3, start)})
    artifact.add("step-1", {"kernel": np.full(3, moved)})
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
