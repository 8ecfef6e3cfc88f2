"""Renders results as HTML, JSON, JUnit and Markdown; computes nothing that decides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from suite.artifacts.writing import write_text
from suite.records import Results, showing
from suite.report import (
    changes,
    claims,
    findings,
    html,
    junit,
    links,
    markdown,
    noticed,
    plans,
    quality,
    results_json,
    summary,
    tables,
)

SHOWN_FAILURES = 3
FORMATS = {
    "results.json": results_json.text,
    "index.html": html.text,
    "junit.xml": junit.text,
    "summary.md": markdown.text,
    "comparisons.csv": tables.comparisons,
    "tensors.csv": tables.tensors,
    "findings.csv": tables.causes_found,
}


def render(results: Results, folder: Path, *, split_assets: bool = False) -> None:
    """Writes every format into the folder, each by rename: a reader never sees half a file.

    `split_assets`: the page's style and script in files of their own, for servers that forbid code inside a page.
    """
    results = showing.clean(results)
    for name, text in FORMATS.items():
        if not (split_assets and name == "index.html"):
            write_text(folder / name, text(results))
    if split_assets:
        for name, content in html.split(results).items():
            write_text(folder / name, content)
    links.join(folder)


def terminal(results: Results) -> Iterator[str]:
    """What a command ends with: the first findings, what is asked of accepted differences, and the first screen of the
    page."""
    every = findings.worded(results)
    for worded in every[: findings.SHOWN]:
        known = f" Accepted: {worded.finding.accepted.rstrip('.')}." if worded.finding.accepted else ""
        yield f"  {worded.finding.verdict.mark} {worded.claim}{known}"
    if len(every) > findings.SHOWN:
        yield f"  and {len(every) - findings.SHOWN} more: see the page"
    yield from (f"  {line}" for line in changes.accepted(results.known))
    yield from noticed.sentences(results)
    yield from (f"  broken: {one.name} ({one.source}): {one.reason}" for one in results.broken)
    failed = summary.failed(results)
    yield from (f"  {one.status.value}: {one.names}: {one.reason}" for one in failed[:SHOWN_FAILURES])
    if len(failed) > SHOWN_FAILURES:
        yield f"  and {len(failed) - SHOWN_FAILURES} more reasons for which runs failed: see the page"
    yield from plans.lines(results)
    yield from quality.lines(results)
    if results.change:
        yield changes.sentence(results.change)


def answer_json(results: Results, folder: Path) -> str:
    """The first screen for programs, with where the rest of it is."""
    found = {**plans.document(results), "exit_code": results.exit_code, "report": str(folder / "index.html")}
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


__all__ = ["FORMATS", "answer_json", "changes", "claims", "render", "terminal"]
