"""Parts of artifacts: read once while they are small, and never kept open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suite.artifacts import reading
from suite.artifacts.artifact import Parts
from suite.artifacts.store import Store
from suite.records import Manifest, Status

MANIFEST = Manifest(run="a/b/single-x1/plain", status=Status.STARTED)


def test_small_parts_are_read_once_and_leave_no_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapping keeps its file open, and `select` takes no descriptor beyond 1,023."""
    store = Store(tmp_path)
    artifact = store.run("a/b/single-x1/plain")
    artifact.begin(MANIFEST)
    for number in range(50):
        artifact.add(f"step-{number}", {"w": np.full(3, float(number))})
    artifact.finish(MANIFEST)
    before = len(list(Path("/proc/self/fd").iterdir()))
    kept = [artifact.arrays(f"step-{number}") for number in range(50)]
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    monkeypatch.setattr(reading, "small_arrays", lambda *_: pytest.fail("it was read again"))
    assert [one["w"][0] for one in kept] == [store.run("a/b/single-x1/plain").arrays(f"step-{n}")["w"][0] for n in range(50)]
    with pytest.raises(ValueError, match="read-only"):
        kept[0]["w"][0] = 1.0


def test_a_part_that_is_replaced_is_read_again_and_a_large_one_is_mapped(tmp_path: Path) -> None:
    artifact = Store(tmp_path).run("a/b/single-x1/plain")
    for value in (1.0, 2.0):
        artifact.begin(MANIFEST)
        artifact.add("step-0", {"w": np.full(3, value)})
        artifact.add("step-1", {"w": np.full(Parts.SMALL // 8, value)})
        artifact.finish(MANIFEST)
        assert {float(artifact.arrays(name)["w"][0]) for name in ("step-0", "step-1")} == {value}


def test_memory_for_small_parts_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parts, "TOGETHER", 1000)
    artifact = Store(tmp_path).run("a/b/single-x1/plain")
    artifact.begin(MANIFEST)
    for number in range(9):
        artifact.add(f"step-{number}", {"w": np.full(50, float(number))})
    artifact.finish(MANIFEST)
    assert [artifact.arrays(f"step-{number}")["w"][0] for number in range(9)] == [float(number) for number in range(9)]
    assert 0 < len(artifact._parts._held) <= 2
