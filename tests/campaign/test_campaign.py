"""A sample of the campaign. `nox -s campaign` runs as much of it as anybody wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.campaign import corruptions, faults, hostile
from tests.campaign.damage import KINDS

Campaign = Callable[[Path, int, int], Iterator[tuple[str, str, list[str]]]]


@pytest.mark.parametrize(
    ("campaign", "count"), [(faults.campaign, 3), (corruptions.campaign, 40), (hostile.campaign, 25)],
    ids=["faults", "corruptions", "hostile inputs"],
)  # fmt: skip
def test_nothing_goes_wrong(campaign: Campaign, count: int, tmp_path: Path) -> None:
    found = list(campaign(tmp_path, 20, count))
    assert [(what, said) for _, what, said in found if said] == []
    assert len(found) == count and len({kind for kind, _, _ in found}) > 1


def test_a_reader_that_believes_what_is_damaged_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without digests, what is changed in a file is believed: the campaign must say so."""
    monkeypatch.setattr("suite.artifacts.store.Artifact._verify", lambda self, name, digest: self._path(name))
    attack = corruptions._Attack(tmp_path, 1)
    seen = [attack.attack("different", "of another run") for _ in range(6)]
    seen += [attack.attack("different", "bits flipped") for _ in range(6)]
    assert any(said for _, said in seen)
    assert set(KINDS) >= {"of another run", "bits flipped"}
