"""Renders results as HTML, JSON, JUnit and Markdown; computes nothing that decides."""

from __future__ import annotations

from pathlib import Path

from suite.records import Results
from suite.report import claims, html, junit, markdown, output, results_json

FORMATS = {
    "results.json": results_json.text,
    "index.html": html.text,
    "junit.xml": junit.text,
    "summary.md": markdown.text,
}


def render(results: Results, folder: Path) -> None:
    """Writes every format into the folder, each by rename: a reader never sees half a file."""
    for name, text in FORMATS.items():
        output.write(folder / name, text(results))


__all__ = ["FORMATS", "claims", "render"]
