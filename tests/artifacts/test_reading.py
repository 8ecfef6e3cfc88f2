"""Whatever becomes of a file, reading gives what was written, or says that the file is damaged."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suite.artifacts import arrays, names, reading
from suite.artifacts.artifact import Artifact
from suite.artifacts.store import Store
from suite.plan import environments
from suite.records import (
    Configuration,
    ConfigurationError,
    DamagedArtifact,
    Environment,
    Manifest,
    Options,
    Plan,
    Provisioned,
    ScenarioRow,
    Session,
    Status,
    Tensor,
    TensorGroup,
    plain,
)
from suite.results import known_differences

RUN = plain(Configuration(scenario="s", environment="torch", strategy="single", devices=1))
PLAN = Plan(runs=(RUN,), refused=(), options=Options(), digest="d")
ROW = ScenarioRow(name="s", description="", source="s.py", digest="d", batch=2, steps=1, outputs="values")
TORCH = Provisioned(environment=Environment(name="torch", backend="torch"))
SESSION = Session(environments=(TORCH,), scenarios=(ROW,), broken=(), declared={})
KERNEL = Tensor(name="kernel", shape=(2, 3), dtype="float32", group=TensorGroup.KERNEL, layer="dense")
MANIFEST = Manifest(run=RUN.id, status=Status.STARTED, digest="d", tensors=(KERNEL,), steps=(0,))
ARRAYS: dict[str, np.ndarray] = {
    "kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "none": np.zeros((0, 4)),
    "one": np.array(True),
}

# One file for a whole property: each example writes it anew.
hostile = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def mutations(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Changes some bytes, cuts, doubles or inserts."""
    kind = draw(st.sampled_from(["change", "flip", "cut", "insert", "zeros", "double"]))
    where, length = draw(st.floats(0, 1, exclude_max=True)), draw(st.integers(1, 24))
    content, bit = draw(st.binary(min_size=1, max_size=24)), draw(st.integers(0, 7))

    def change(given: bytes) -> bytes:
        at = int(where * len(given))
        return {
            "change": lambda: given[:at] + content + given[at + len(content) :],
            "flip": lambda: given[:at] + bytes([given[at] ^ 1 << bit]) + given[at + 1 :],
            "cut": lambda: given[:at] + given[at + length :],
            "insert": lambda: given[:at] + content + given[at:],
            "zeros": lambda: given[:at] + bytes(length) + given[at + length :],
            "double": lambda: given[: at + length] + given[at:],
        }[kind]()

    return change


# ---------------------------------------------------------------- sealed records


def written(folder: Path) -> Store:
    store = Store(folder)
    store.write_plan(PLAN)
    store.write_session(SESSION, PLAN)
    return store


@hostile
@given(change=mutations())
def test_a_changed_plan_is_the_same_plan_or_damaged(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    store = written(tmp_path)
    path = tmp_path / names.PLAN
    path.write_bytes(change(path.read_bytes()))
    try:
        assert store.read_plan() == PLAN
    except DamagedArtifact as error:
        assert str(path) in str(error)


@hostile
@given(change=mutations())
def test_a_changed_session_is_the_same_session_or_damaged(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    store = written(tmp_path)
    path = tmp_path / names.SESSION
    path.write_bytes(change(path.read_bytes()))
    try:
        assert store.read_session(PLAN) == replace(SESSION, plan=reading.seal(PLAN))
    except DamagedArtifact as error:
        assert str(path) in str(error)


@hostile
@given(change=mutations())
def test_a_changed_manifest_is_the_same_manifest_or_damaged(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    artifact = Store(tmp_path).run(RUN)
    artifact.begin(MANIFEST)
    path = artifact.folder / names.MANIFEST
    whole = artifact.manifest()
    assert whole is not None
    path.write_bytes(change(path.read_bytes()))
    found = Store(tmp_path).run(RUN)
    if (read := found.manifest()) is None:
        assert found.unreadable().startswith("its manifest is damaged")
    else:
        assert read == whole and not found.unreadable()


def test_a_session_of_a_different_plan_is_refused(tmp_path: Path) -> None:
    store = written(tmp_path)
    other = replace(PLAN, options=replace(PLAN.options, gate="by design"))
    store.write_plan(other)
    with pytest.raises(DamagedArtifact, match=r"it is of a different plan\.json"):
        store.read_session(store.read_plan())


def test_runs_that_are_taken_out_of_a_plan_are_missed(tmp_path: Path) -> None:
    store = written(tmp_path)
    path = tmp_path / names.PLAN
    path.write_text(json.dumps({**json.loads(path.read_text()), "runs": []}))
    with pytest.raises(DamagedArtifact, match=r"was changed after it was written"):
        store.read_plan()


BAD_RUNS = {
    "a scenario that leaves": {"scenario": "../../s"},
    "an environment in a folder": {"environment": "a/b"},
    "a billion devices": {"devices": 10**9},
    "no devices": {"devices": 0},
}


@pytest.mark.parametrize("change", BAD_RUNS.values(), ids=BAD_RUNS)
def test_a_forged_plan_names_nothing_outside_the_run_folder(tmp_path: Path, change: dict[str, Any]) -> None:
    forged = replace(RUN, configuration=replace(RUN.configuration, **change))
    store = Store(tmp_path)
    store.write_plan(replace(PLAN, runs=(forged,)))
    with pytest.raises(DamagedArtifact, match=r"is no plan of this suite \((a run is called|.* is no run)"):
        store.read_plan()
    store.write_plan(PLAN)
    store.write_session(replace(SESSION, further=(forged,)), PLAN)
    with pytest.raises(DamagedArtifact, match=r"does not belong to this plan \((a run is called|.* is no run)"):
        store.read_session(PLAN)


def test_a_forged_session_that_lacks_an_environment_is_refused(tmp_path: Path) -> None:
    store = written(tmp_path)
    store.write_session(replace(SESSION, environments=()), PLAN)
    with pytest.raises(DamagedArtifact, match="it does not know the scenario or environment of s/torch/single-x1/plain"):
        store.read_session(PLAN)


BAD_MANIFESTS: dict[str, tuple[dict[str, Any], str]] = {
    "a billion replicas": ({"replicas": 10**9}, "replicas is 1000000000"),
    "an axis of 10^15": ({"tensors": (replace(KERNEL, shape=(10**15,)),)}, "'kernel' has the shape"),
    "many axes": ({"tensors": (replace(KERNEL, shape=(10**6,) * 9),)}, "'kernel' has the shape"),
    "a negative axis": ({"slots": (replace(KERNEL, shape=(-1,)),)}, "'kernel' has the shape"),
    "a negative step": ({"steps": (-1,)}, "a step is no training step"),
    "no roundoff": ({"roundoff": 0.0}, "roundoff is 0.0"),
    "a file elsewhere": ({"files": {"../plain/step-0.safetensors": "0" * 64}}, "a file has no name of a file"),
    "no digest": ({"files": {"step-0.safetensors": ""}}, "a digest is no sha256"),
}


@pytest.mark.parametrize(("change", "words"), BAD_MANIFESTS.values(), ids=BAD_MANIFESTS)
def test_a_forged_manifest_is_not_believed(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    artifact = Store(tmp_path).run(RUN)
    artifact.begin(MANIFEST)
    forged = replace(MANIFEST, place=f"runs/{RUN.id}", **change)
    (artifact.folder / names.MANIFEST).write_bytes(reading.sealed(forged))
    assert artifact.manifest() is None
    assert words in artifact.unreadable()


def test_a_shape_that_is_not_that_of_the_stored_array_is_damage(tmp_path: Path) -> None:
    large = replace(MANIFEST, tensors=(replace(KERNEL, shape=(10**9, 3)),))
    artifact = complete(tmp_path, large)
    manifest = artifact.manifest()
    assert manifest is not None and "'kernel' has the shape (2, 3), and (1000000000, 3)" in artifact.damage(manifest)


HOSTILE = (b'{"a":' * 100_000, b"[" * 10**6, b'{"run":"\\ud800"}', b'"\xff"', b"", b"9" * 10**6, b"{}")


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_json_is_damage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(DamagedArtifact, match=r"plan\.json: not a plan"):
        reading.record(path, Plan)
    with pytest.raises(DamagedArtifact, match=r"plan\.json: not a plan"):
        reading.unsealed(path, Plan)


# ---------------------------------------------------------------- what users write


@hostile
@given(change=mutations())
def test_changed_environments_are_environments_or_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    file = tmp_path / "environments.toml"
    file.write_bytes(change(b'[environments.a]\nbackend = "fake"\nvariables = { A = "1", B = "2" }\ndeterministic = true\n'))
    try:
        assert len(environments.environments([file])) >= 4
    except ConfigurationError as error:
        assert str(file) in str(error)


@hostile
@given(change=mutations())
def test_changed_known_differences_are_known_differences_or_refused(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "known.toml"
    file.write_bytes(change(b'[[known]]\nfingerprint = "0123456789abcdef"\nreason = "a b"\nexpires = 2027-01-31\n'))
    try:
        known_differences.read(file)
    except ConfigurationError as error:
        assert str(file) in str(error)


@pytest.mark.parametrize(
    "content", [b"a = " + b"[" * 100_000, b"a = " + b"9" * 100_000, b"\xff\xfe", b"a = '\x00'", b"a." * 10**5]
)
def test_hostile_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "environments.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"environments\.toml"):
        environments.environments([file])


def test_what_is_no_file_is_not_read_as_toml(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place, words in ((tmp_path / "pipe", "it is a"), (tmp_path, "it is a folder"), (tmp_path / "none", "No such")):
        with pytest.raises(ConfigurationError, match=f"cannot be read .{words}"):
            environments.environments([place])


# ---------------------------------------------------------------- arrays


def complete(folder: Path, manifest: Manifest = MANIFEST) -> Artifact:
    artifact = Store(folder).run(RUN)
    with artifact.recording(manifest) as recorded:
        recorded.add(names.step(0), ARRAYS)
    return Store(folder).run(RUN)


def equal(found: dict[str, np.ndarray]) -> bool:
    if found.keys() != ARRAYS.keys():
        return False
    return all(
        (one.dtype, one.shape) == (found[name].dtype, found[name].shape) and np.array_equal(one, found[name])
        for name, one in ARRAYS.items()
    )


@hostile
@given(change=mutations())
def test_changed_arrays_are_read_within_their_file_or_damaged(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    """Without a digest: values may differ, but nothing is read that is not there."""
    path = tmp_path / "part"
    arrays.write(path, ARRAYS)
    path.write_bytes(change(path.read_bytes()))
    try:
        found = reading.arrays(path)
    except DamagedArtifact as error:
        assert str(path) in str(error)
        return
    assert sum(one.nbytes for one in found.values()) <= path.stat().st_size
    assert all(np.array(one).shape == one.shape for one in found.values())


@hostile
@given(change=mutations())
def test_changed_arrays_of_an_artifact_are_the_same_or_damaged(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    artifact = complete(tmp_path)
    manifest = artifact.manifest()
    assert manifest is not None
    path = artifact.folder / names.file_of(names.step(0))
    before = path.read_bytes()
    path.write_bytes(change(before))
    same = path.read_bytes() == before
    assert bool(artifact.damage(manifest)) != same
    if same:
        assert equal(artifact.arrays(names.step(0)))
    else:
        with pytest.raises(DamagedArtifact, match=r"step-0\.safetensors is not what the run wrote"):
            artifact.arrays(names.step(0))


def header(entries: object, size: int = 24, length: int | None = None) -> bytes:
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + bytes(size)


def entry(shape: list[int], begin: int, end: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


HEADERS = {
    "no bytes": b"",
    "no header": b"\x08" + bytes(7),
    "a header beyond the file": header({}, length=2**63),
    "a header of terabytes": header({}, length=2**40),
    "no JSON": header(b"{..}"),
    "a list": header([]),
    "nested deeply": header(b'{"a":' * 50_000),
    "a lone surrogate": header(b'{"\\ud800":{"dtype":"F32","shape":[6],"data_offsets":[0,24]}}'),
    "no dtype": header({"a": {"shape": [6], "data_offsets": [0, 24]}}),
    "a dtype that is none": header({"a": entry([6], 0, 24, "Q8")}),
    "an object": header({"a": entry([3], 0, 24, "O")}),
    "a negative axis": header({"a": entry([-6], 0, 24)}),
    "two negative axes": header({"a": entry([-2, -3], 0, 24)}),
    "a huge axis": header({"a": entry([10**30], 0, 24)}),
    "a huge empty array": header({"a": entry([0, 10**30], 0, 0), "b": entry([6], 0, 24)}),
    "a shape that is not its size": header({"a": entry([7], 0, 24)}),
    "beyond the file": header({"a": entry([6], 0, 24)}, size=20),
    "backwards": header({"a": entry([6], 24, 0)}),
    "negative offsets": header({"a": entry([6], -24, 0)}),
    "overlapping": header({"a": entry([4], 0, 16), "b": entry([4], 8, 24)}),
    "the same bytes twice": header({"a": entry([6], 0, 24), "b": entry([6], 0, 24)}),
    "a hole": header({"a": entry([2], 0, 8), "b": entry([2], 16, 24)}),
    "bytes that nobody describes": header({"a": entry([4], 0, 16)}),
    "one name twice": header(
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[4],"data_offsets":[8,24]}}'
    ),
    "forty axes": header({"a": entry([1] * 39 + [6], 0, 24)}),
}


@pytest.mark.parametrize("content", HEADERS.values(), ids=HEADERS)
def test_a_header_that_does_not_describe_its_file_is_damage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "part.safetensors"
    path.write_bytes(content)
    with pytest.raises(DamagedArtifact, match=r"part\.safetensors"):
        reading.arrays(path)


def test_a_header_that_describes_its_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "part.safetensors"
    path.write_bytes(header({"b": entry([2], 16, 24), "a": entry([2, 2], 0, 16), "__metadata__": {"by": "x"}}))
    assert {name: one.shape for name, one in reading.arrays(path).items()} == {"a": (2, 2), "b": (2,)}


def test_an_array_that_is_not_there_is_damage_and_no_mistake(tmp_path: Path) -> None:
    part = complete(tmp_path).arrays(names.step(0))
    assert equal(part)
    with pytest.raises(DamagedArtifact, match=r"step-0\.safetensors of runs/.*/plain holds no array 'losses'"):
        part["losses"]


def test_a_file_that_the_manifest_does_not_list_is_not_read(tmp_path: Path) -> None:
    artifact = complete(tmp_path)
    arrays.write(artifact.folder / names.file_of(names.step(9)), ARRAYS)
    with pytest.raises(DamagedArtifact, match=r"step-9\.safetensors of .* is not in its manifest"):
        artifact.arrays(names.step(9))


def test_an_artifact_of_a_different_run_is_not_taken_for_this_one(tmp_path: Path) -> None:
    artifact = complete(tmp_path)
    other = replace(RUN, configuration=replace(RUN.configuration, environment="jax"))
    place = Store(tmp_path).run(other)
    place.folder.parent.mkdir(parents=True)
    artifact.folder.rename(place.folder)
    assert place.manifest() is None
    assert "it is of 'runs/s/torch/single-x1/plain'" in place.unreadable()
