"""Only regular files are opened, and nothing outside of a folder is written or removed, whatever lies in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from suite.artifacts import places
from suite.records import DamagedArtifact

UNSAFE = ("", "..", ".", "../a", "a/../b", "a//b", "/a", "a/", "a\0b", "a\nb", "a\x1bb", "\ud800", "a" * 256)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with a file that must stay as it is."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "kept").write_text("kept")
    return folder


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    (tmp_path / "inside").mkdir()
    return tmp_path / "inside"


def kept(outside: Path) -> bool:
    return [path.name for path in outside.iterdir()] == ["kept"] and (outside / "kept").read_text() == "kept"


@pytest.mark.parametrize("name", UNSAFE)
def test_a_name_that_leaves_its_folder_is_refused_everywhere(inside: Path, outside: Path, name: str) -> None:
    assert not places.is_safe(name)
    with pytest.raises(DamagedArtifact, match="is no place in"):
        places.safe(inside, name)
    if name:
        with pytest.raises(DamagedArtifact, match="is no place in"):
            places.clear(inside, name)
    assert kept(outside) and inside.is_dir()


@pytest.mark.parametrize("name", ["a", "a/b", "s/torch/torch_ddp-x2/plain-float64", "oracle-float64~global~bn epsilon", "é"])
def test_a_name_of_a_run_is_safe(inside: Path, name: str) -> None:
    assert places.safe(inside, name) == inside / name


def test_a_link_on_the_way_is_not_followed_and_is_removed_itself(inside: Path, outside: Path) -> None:
    (inside / "runs").symlink_to(outside)
    with pytest.raises(DamagedArtifact, match=r"runs is a link, wanted a folder"):
        places.safe(inside, "runs/kept")
    places.clear(inside, "runs/kept")
    assert kept(outside) and not os.path.lexists(inside / "runs")


def test_a_link_in_the_place_of_a_folder_or_within_it_is_removed_itself(inside: Path, outside: Path) -> None:
    (inside / "run").symlink_to(outside)
    places.clear(inside, "run")
    (inside / "run").mkdir()
    (inside / "run" / "link").symlink_to(outside)
    places.clear(inside, "run")
    assert kept(outside) and not list(inside.iterdir())


def test_what_lies_in_the_place_of_a_folder_on_the_way_is_removed(inside: Path) -> None:
    (inside / "runs").write_text("a file")
    places.clear(inside, "runs/a/plain")
    assert not list(inside.iterdir())
    places.clear(inside, "runs/a/plain")  # nothing is there any more


def test_a_file_that_is_none_is_never_opened(inside: Path, outside: Path) -> None:
    os.mkfifo(inside / "pipe")
    (inside / "link").symlink_to(outside / "kept")
    (inside / "folder").mkdir()
    for name, words in (("pipe", "is a pipe"), ("link", "cannot be read"), ("folder", "is a folder"), ("none", "No such")):
        with pytest.raises(DamagedArtifact, match=words):
            places.content(inside / name, limit=10)
        assert places.signature(inside / name) is None
    with pytest.raises(DamagedArtifact, match="is a device"):
        places.content(Path(os.devnull), limit=10)


def test_a_file_that_is_larger_than_allowed_is_not_read(inside: Path) -> None:
    with (inside / "large").open("wb") as stream:
        stream.truncate(1 << 40)  # a sparse file: it takes no space
    with pytest.raises(DamagedArtifact, match=r"has 1099511627776 bytes, wanted at most 10"):
        places.content(inside / "large", limit=10)


@pytest.mark.parametrize("partial", ["link", "pipe", "folder"])
def test_writing_follows_no_link_and_waits_for_no_pipe(inside: Path, outside: Path, partial: str) -> None:
    in_the_way = inside / ".file.partial"
    if partial == "link":
        in_the_way.symlink_to(outside / "kept")
    elif partial == "pipe":
        os.mkfifo(in_the_way)
    else:
        in_the_way.mkdir()
    (inside / "file").symlink_to(outside / "kept")
    places.write(inside / "file", b"new")
    assert kept(outside) and (inside / "file").read_bytes() == b"new" and not (inside / "file").is_symlink()
    assert [path.name for path in inside.iterdir()] == ["file"]


def test_what_cannot_be_put_in_its_place_leaves_nothing_behind(inside: Path) -> None:
    (inside / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        places.write(inside / "file", b"new")
    assert [path.name for path in inside.iterdir()] == ["file"]


def test_only_what_is_no_file_is_taken_out_of_the_way(inside: Path, outside: Path) -> None:
    (inside / "log").write_text("text")
    places.vacate(inside / "log")
    assert (inside / "log").read_text() == "text"
    (inside / "link").symlink_to(outside)
    places.vacate(inside / "link")
    os.mkfifo(inside / "pipe")
    places.vacate(inside / "pipe")
    assert kept(outside) and [path.name for path in inside.iterdir()] == ["log"]
