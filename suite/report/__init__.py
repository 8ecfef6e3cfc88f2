"""Renders results as HTML, JSON, JUnit and Markdown; computes nothing that decides."""

from __future__ import annotations

from pathlib import Path

from suite.records import Results
from suite.report import claims, html, junit, links, markdown, output, results_json

FORMATS = {
    "results.json": results_json.text,
    "index.html": html.text,
    "junit.xml": junit.text,
    "summary.md": markdown.text,
}


def render(results: Results, folder: Path, *, split_assets: bool = False) -> None:
    """Writes every format into the folder, each by rename: a reader never sees half a file.

    `split_assets`: the page's style and script in files of their own, for servers that forbid code inside a page.
    """
    for name, text in FORMATS.items():
        if not (split_assets and name == "index.html"):
            output.write(folder / name, text(results))
    if split_assets:
        for name, content in html.split(results).items():
            output.write(folder / name, content)
    links.join(folder)


__all__ = ["FORMATS", "claims", "render"]
