"""The report and the article's claims name each other where both lie in one folder, whichever was written first."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from suite.artifacts.writing import write_text

REPORT, CLAIMS = "index.html", "claims.html"
# What each page says until the other one is there, and then: no page has a link that leads nowhere.
NO_CLAIMS = Markup(
    "An article gives seven reasons for such differences. <code>nox -s claims</code>, with the "
    "<code>--out</code> of this run, "
    "tests which of them hold here."
)
TO_CLAIMS = Markup('An article gives seven reasons for such differences: <a href="claims.html">which of them hold here</a>.')
NO_REPORT = Markup("no report in this folder yet")
TO_REPORT = Markup('<a href="index.html">the report of this folder</a>')


def join(folder: Path) -> None:
    """To be called when either page was written."""
    report, claims = folder / REPORT, folder / CLAIMS
    if report.is_file() and claims.is_file():
        _say(report, NO_CLAIMS, TO_CLAIMS)
        _say(claims, NO_REPORT, TO_REPORT)


def _say(page: Path, before: str, now: str) -> None:
    text = page.read_text(encoding="utf-8", errors="replace")
    if before in text:
        write_text(page, text.replace(before, now))
