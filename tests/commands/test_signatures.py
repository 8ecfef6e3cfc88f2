"""A signed run folder is what somebody with the key signed, or a sentence that names what is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from suite.artifacts import names, reading
from suite.artifacts.store import Store
from suite.commands import signatures
from suite.records import DamagedArtifact, Manifest, Status

KEY = b"0123456789abcdef"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two artifacts, signed."""
    for run in ("s/a/single-x1/plain", "s/b/single-x1/plain"):
        with Store(tmp_path / "run").run(run).recording(Manifest(run=run, status=Status.STARTED)) as recorded:
            recorded.add("step-0", {"x": np.zeros(3)})
    (tmp_path / "run" / names.PLAN).write_text("{}")
    assert signatures.sign(tmp_path / "run", KEY) == 3
    return tmp_path / "run"


def manifest(folder: Path, environment: str = "a") -> Path:
    return folder / names.RUNS / "s" / environment / "single-x1" / "plain" / names.MANIFEST


def forged(folder: Path) -> None:
    """Whatever a run said, with a new seal."""
    found = reading.unsealed(manifest(folder), Manifest)
    manifest(folder).write_bytes(reading.sealed(replace(found, seconds=7.0)))


def removed(folder: Path) -> None:
    shutil.rmtree(manifest(folder).parent)


def added(folder: Path) -> None:
    shutil.copytree(manifest(folder).parent, folder / names.RUNS / "s" / "c")


def swapped(folder: Path) -> None:
    first, second = manifest(folder), manifest(folder, "b")
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)


def unlisted(folder: Path) -> None:
    """One file less, and its signature taken away."""
    removed(folder)
    path = folder / names.SIGNATURES
    found = json.loads(path.read_text())
    del found["files"][str(manifest(folder).relative_to(folder))]
    path.write_text(json.dumps(found))


def planned_otherwise(folder: Path) -> None:
    (folder / names.PLAN).write_text("[]")


def unsigned(folder: Path) -> None:
    (folder / names.SIGNATURES).unlink()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (forged, "a/single-x1/plain/manifest.json was changed after"),
        (removed, "a/single-x1/plain/manifest.json was removed after"),
        (added, "s/c/manifest.json was added after"),
        (swapped, "was changed after"),
        (unlisted, "was made with a different key, or was changed"),
        (planned_otherwise, "plan.json was changed after"),
        (unsigned, "signatures.json cannot be read"),
    ],
)
def test_whatever_is_changed_is_named(folder: Path, change: Callable[[Path], None], words: str) -> None:
    signatures.verify(folder, KEY)
    change(folder)
    with pytest.raises(DamagedArtifact, match=words):
        signatures.verify(folder, KEY)


def test_a_different_key_does_not_fit(folder: Path) -> None:
    with pytest.raises(DamagedArtifact, match="a different key"):
        signatures.verify(folder, KEY + b"!")


def test_signing_again_covers_what_is_there_now(folder: Path) -> None:
    added(folder)
    assert signatures.sign(folder, KEY) == 4
    signatures.verify(folder, KEY)
