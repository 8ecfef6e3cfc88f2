"""What a file holds instead of the live model is found bit by bit, and nothing else is called so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suite.artifacts.store import Artifact
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


def test_slots_that_are_zero_are_named(run: tuple[Artifact, Manifest], tmp_path: Path) -> None:
    empty = {name: value * 0 for name, value in SLOTS.items()}
    assert causes(run, tmp_path, LIVE, empty) == (Cause(code=Code.SLOTS_NOT_SAVED),)
    assert causes(run, tmp_path, LIVE, SLOTS | {"a/kernel/momentum": np.full(4, 2.0)}) == ()


def test_one_bit_off_is_none_of_them(run: tuple[Artifact, Manifest], tmp_path: Path) -> None:
    nearly = EARLY | {"norm/mean": np.nextafter(EARLY["norm/mean"], np.inf)}
    assert causes(run, tmp_path, nearly) == ()
