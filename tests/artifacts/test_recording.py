"""An artifact is complete when its recording ends well, and stays "started" however else it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from suite.artifacts import names
from suite.artifacts.artifact import Artifact
from suite.records import Manifest, Status

MANIFEST = Manifest(run="a", status=Status.STARTED, digest="d", replicas=2)
WEIGHTS = {"kernel": np.arange(3.0)}


def test_a_recording_that_ends_well_is_complete_with_what_it_told_and_what_it_took(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path / "run")
    with artifact.recording(MANIFEST) as recorded:
        assert artifact.manifest() == MANIFEST
        recorded.add(names.step(0), WEIGHTS)
        with recorded.placing(names.KERAS_FILE) as path:
            path.write_text("a model")
        recorded.tell(steps=(0,))
        recorded.tell(facts={"keras": "3"})
        time.sleep(0.01)
    manifest = artifact.manifest()
    assert manifest is not None and artifact.complete("d") and 0.01 <= manifest.seconds < 10
    assert (manifest.steps, manifest.facts, manifest.replicas) == ((0,), {"keras": "3"}, 2)
    assert manifest.files.keys() == {names.file_of(names.step(0)), names.KERAS_FILE}
    assert np.array_equal(artifact.arrays(names.step(0))["kernel"], WEIGHTS["kernel"])


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_an_exception_goes_on_and_the_artifact_stays_started(tmp_path: Path, error: BaseException) -> None:
    artifact = Artifact(tmp_path / "run")
    with pytest.raises(type(error)) as caught, artifact.recording(MANIFEST) as recorded:
        recorded.add(names.step(0), WEIGHTS)
        raise error
    assert caught.value is error and artifact.manifest() == MANIFEST and not artifact.complete("d")


def test_the_death_of_the_process_leaves_what_an_exception_leaves(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from suite.artifacts.artifact import Artifact\n"
        "from suite.records import Manifest, Status\n"
        "with Artifact(Path(sys.argv[1])).recording(Manifest(run='a', status=Status.STARTED, digest='d', replicas=2)):\n"
        "    os._exit(7)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], env=environment, check=False)
    assert done.returncode == 7 and Artifact(tmp_path / "run").manifest() == MANIFEST


def test_a_new_recording_replaces_what_was_there(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path / "run")
    with artifact.recording(MANIFEST) as recorded:
        recorded.add(names.step(0), WEIGHTS)
    with artifact.recording(MANIFEST) as recorded:
        recorded.add(names.step(1), WEIGHTS)
    manifest = artifact.manifest()
    assert manifest is not None and names.has(manifest, names.step(1)) and not names.has(manifest, names.step(0))
    assert not (artifact.folder / names.file_of(names.step(0))).exists()


def test_a_process_that_does_not_lead_writes_nothing(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path / "run")
    with artifact.recording(MANIFEST, leads=False) as recorded:
        recorded.add(names.step(0), WEIGHTS)
        recorded.tell(steps=(0,))
    assert not artifact.folder.exists()


def test_the_states_of_single_steps_are_read_from_the_files() -> None:
    files = {names.file_of(part): "" for part in (names.single_step("0"), names.single_step("saturated"), names.step(5))}
    manifest = Manifest(run="a", status=Status.COMPLETE, files=files)
    assert names.single_step_states(manifest) == {"0", "saturated"}
    assert names.has(manifest, names.step(5)) and not names.has(manifest, names.step(50))
