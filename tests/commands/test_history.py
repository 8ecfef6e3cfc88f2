"""--history: each run is kept, and the next one knows of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suite.commands import main
from tests.conftest import Parity


def compared(parity: Parity, folder: Path, *extra: str) -> dict[str, Any]:
    main(parity.arguments("--devices", "1", "--steps", "3", "--history", str(folder), *extra))
    return parity.results()


def test_a_finding_knows_since_when_it_shows(parity: Parity, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "history"
    parity.scenario("clusters", synchronized=True)
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_ORDER": "1"}})
    assert compared(parity, folder)["trends"] == []
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_DEFECT": "swapped"}})
    (new, *_) = compared(parity, folder)["trends"]
    assert (new["shown"], new["looked"]) == (1, 2) and new["before"] <= new["since"]
    assert "Over time: New in this run; " in (parity.run / "summary.md").read_text()
    assert len(list(folder.glob("*.json"))) == 2
    for file in list(
        folder.glob("*.json")
    ):  # as if they were old: what comes to the same in the same minute is the same run
        assert file.stat().st_size < 10_000
        kept = json.loads(file.read_text())
        day = "2020-01-02" if kept["findings"] else "2020-01-01"
        file.unlink()
        (folder / f"{day}.json").write_text(json.dumps(kept | {"generated": day}))
    (old, *_) = compared(parity, folder, "--rerun", "all")["trends"]
    assert (old["since"], old["before"]) == ("2020-01-02", "2020-01-01")
    assert (old["shown"], old["looked"], len(old["sizes"])) == (2, 3, 2)
    files = sorted(folder.glob("*.json"))
    capsys.readouterr()
    compared(parity, folder)
    assert "nothing has changed since the report" in capsys.readouterr().out
    assert sorted(folder.glob("*.json")) == files and len(files) == 3


def test_a_file_that_is_none_is_left_out(parity: Parity, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "history"
    folder.mkdir()
    (folder / "broken.json").write_text("{")
    parity.scenario("clusters", synchronized=True)
    parity.environments({"fake-a": {}})
    compared(parity, folder)
    assert "left out of the history: " in capsys.readouterr().out
    assert len(list(folder.glob("*.json"))) == 2


def test_a_file_in_the_place_of_the_folder_is_a_sentence(
    parity: Parity, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    parity.scenario("clusters")
    parity.environments({"fake-a": {}})
    assert main(parity.arguments("--history", str(tmp_path / "file"))) == 4
    assert "is no folder: give one, or a name that is free" in capsys.readouterr().err
