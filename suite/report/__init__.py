"""Renders results as HTML, JSON, JUnit and Markdown; computes nothing that decides."""

from __future__ import annotations

from pathlib import Path

from suite.records import Results
from suite.report import html, junit, markdown, results_json

FORMATS = {
    "results.json": results_json.text,
    "index.html": html.text,
    "junit.xml": junit.text,
    "summary.md": markdown.text,
}


def render(results: Results, folder: Path) -> None:
    """Writes every format into the folder, each by rename: a reader never sees half a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FORMATS.items():
        partial = folder / f".{name}.partial"
        partial.write_text(text(results), encoding="utf-8")
        partial.replace(folder / name)
