"""JAX's cache on disk is left out where it was not tried, or returned wrong numbers."""

from __future__ import annotations

import os

import pytest

from suite.runner import compilation_cache


@pytest.mark.parametrize(
    ("jax", "kept"),
    [("0.10.2", True), ("0.10.0", True), ("1.0", True), ("0.9.2", False), ("0.5.3", False), ("0.4.25", False), ("", False)],
)
def test_only_versions_that_were_tried_use_it(monkeypatch: pytest.MonkeyPatch, jax: str, kept: bool) -> None:
    monkeypatch.setattr(compilation_cache, "_version", lambda: jax)
    monkeypatch.setenv(compilation_cache.FOLDER, "/cache")
    compilation_cache.leave_out_if_unsafe()
    assert (compilation_cache.FOLDER in os.environ) is kept


def test_without_a_cache_nothing_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilation_cache, "_version", lambda: "0.5.3")
    monkeypatch.delenv(compilation_cache.FOLDER, raising=False)
    compilation_cache.leave_out_if_unsafe()
    assert compilation_cache.FOLDER not in os.environ
