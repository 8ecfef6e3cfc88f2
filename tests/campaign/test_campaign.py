"""A sample of the campaign. `nox -s campaign` runs as much of it as anybody wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.campaign import corruptions, faults, hostile

Campaign = Callable[[Path, int, int], Iterator[tuple[str, str, list[str]]]]


@pytest.mark.timeout(900)  # each takes some 15 s, and minutes on a machine that does much else
@pytest.mark.parametrize(
    ("campaign", "count"), [(faults.campaign, 3), (corruptions.campaign, 30), (hostile.campaign, 25)],
    ids=["faults", "corruptions", "hostile inputs"],
)  # fmt: skip
def test_nothing_goes_wrong(campaign: Campaign, count: int, tmp_path: Path) -> None:
    found = list(campaign(tmp_path, 20, count))
    assert [(what, said) for _, what, said in found if said] == []
    assert len(found) == count and len({kind for kind, _, _ in found}) > 1


def test_a_reader_that_believes_what_is_damaged_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without digests, what is changed in a file is believed: the campaign sees it, and judges it."""
    clean, folder = corruptions._Attack(tmp_path, 1).prepared("agreeing")
    name = "runs/clusters/fake-a/fake-x1/plain/step-3.safetensors"
    folder.write(name, folder.read(name)[:-1] + b"\x00")
    assert corruptions._refused(clean, folder.root, [name])
    monkeypatch.setattr("suite.artifacts.artifact.Artifact._verify", lambda self, name, digest: self._path(name))
    assert not corruptions._refused(clean, folder.root, [name])
    folder.mend(name)
    assert corruptions._refused(clean, folder.root, [name])
