"""Sides that have other dtypes: whose values are narrower than its model asks for is known from what its run says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from suite import compare
from suite.artifacts import names
from suite.artifacts.artifact import Artifact, Complete
from suite.compare.snapshots import WEIGHTS, Subject
from suite.records import NARROWED, Manifest, Status, Tensor, TensorGroup

FORMATS = "float32 for float64"


def run(folder: Path, dtype: str, told: str = "", shape: tuple[int, ...] = (2,)) -> Complete:
    """A run of one step with one kernel."""
    artifact = Artifact(folder)
    kernel = Tensor(name="head/kernel", shape=shape, dtype=dtype, group=TensorGroup.KERNEL, layer="head")
    facts = {NARROWED: told} if told else {}
    manifest = Manifest(run="r", status=Status.STARTED, steps=(0, 1), tensors=(kernel,), facts=facts)
    artifact.begin(manifest)
    for step in (0, 1):
        artifact.add(names.step(step), {"head/kernel": np.full(shape, 1.0 + step, dtype)})
    artifact.finish(manifest)
    found = artifact.manifest()
    assert found is not None
    return artifact, found


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (("float64", ""), ("float32", FORMATS), {WEIGHTS: (1, FORMATS)}),
        (("float32", FORMATS), ("float64", ""), {WEIGHTS: (0, FORMATS)}),
        (("float64", ""), ("float32", ""), {}),
        (("float32", FORMATS), ("float32", FORMATS), {}),
        (("int32", ""), ("float32", FORMATS), {}),
    ],
)
def test_the_side_is_known_where_one_run_alone_says_so(
    tmp_path: Path, first: tuple[str, str], second: tuple[str, str], expected: dict[str, tuple[int, str]]
) -> None:
    sides = run(tmp_path / "a", *first), run(tmp_path / "b", *second)
    assert compare.pair(*(Subject(plain=side) for side in sides)).narrowed == expected


def test_another_shape_is_not_explained_by_it(tmp_path: Path) -> None:
    sides = run(tmp_path / "a", "float64"), run(tmp_path / "b", "float32", FORMATS, shape=(3,))
    assert compare.pair(*(Subject(plain=side) for side in sides)).narrowed == {}
