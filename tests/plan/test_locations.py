"""In a checkout everything is beside the suite; installed, inside it, and workers see nothing but it."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.plan import locations


def test_a_checkout_has_everything() -> None:
    assert locations.CHECKOUT
    assert (
        (locations.SCENARIOS / "article_mlp.py").is_file() and locations.PINS.is_file() and locations.KEPT_SELFTEST.is_file()
    )


def test_environments_are_where_the_shell_says_or_in_the_checkout_or_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PARITY_ENVIRONMENTS", raising=False)
    assert locations.environments_folder() == locations.ROOT / ".environments"
    monkeypatch.setattr(locations, "CHECKOUT", False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert locations.environments_folder() == tmp_path / "keras-parity" / "environments"
    monkeypatch.setenv("PARITY_ENVIRONMENTS", str(tmp_path / "mine"))
    assert locations.environments_folder() == tmp_path / "mine"


def test_workers_of_an_installed_suite_import_it_from_a_folder_that_holds_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert locations.import_folder(tmp_path) == locations.ROOT
    monkeypatch.setattr(locations, "CHECKOUT", False)
    folder = locations.import_folder(tmp_path)
    assert folder.parent == tmp_path and [one.name for one in folder.iterdir()] == ["suite"]
    assert (folder / "suite").resolve() == locations.SUITE
    assert locations.import_folder(tmp_path) == folder
