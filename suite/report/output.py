"""Writes a file so that a reader never sees half of it."""

from __future__ import annotations

from pathlib import Path


def write(path: Path, text: str) -> None:
    """By rename, in the folder itself: a rename does not cross file systems."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
