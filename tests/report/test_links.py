"""Report and claims link to each other where both are there, whichever came first, and never to what is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite import report
from suite.records import showing
from suite.report import html
from suite.report import links as linking
from tests.report import sample
from tests.report.page import Page
from tests.report.test_claims import FOUND


def links(folder: Path, name: str) -> list[str]:
    """The other pages that a page links to."""
    page = Page((folder / name).read_text(encoding="utf-8"))
    targets = [one.attributes["href"] for one in page.all("a")]
    return [where for where in targets if where.endswith(".html")]


def said(folder: Path) -> str:
    return next(
        one for one in Page((folder / "index.html").read_text()).all("p") if one.attributes.get("id") == "claims"
    ).text


@pytest.mark.parametrize("split", [False, True])
def test_a_report_alone_says_how_to_test_the_claims(tmp_path: Path, split: bool) -> None:
    report.render(sample.results(), tmp_path, split_assets=split)
    assert links(tmp_path, "index.html") == []
    assert "nox -s claims" in said(tmp_path)


def test_claims_alone_link_to_nothing(tmp_path: Path) -> None:
    report.claims.write(FOUND, tmp_path)
    assert links(tmp_path, "claims.html") == []


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("first", ["report", "claims"])
def test_both_link_to_each_other_whichever_comes_first(tmp_path: Path, first: str, split: bool) -> None:
    if first == "claims":
        report.claims.write(FOUND, tmp_path)
    report.render(sample.results(), tmp_path, split_assets=split)
    if first == "report":
        report.claims.write(FOUND, tmp_path)
    assert links(tmp_path, "index.html") == ["claims.html"]
    assert links(tmp_path, "claims.html") == ["index.html"]
    assert "nox -s claims" not in said(tmp_path)
    assert "no report" not in (tmp_path / "claims.html").read_text()


def test_claims_that_are_gone_are_not_linked_to_again(tmp_path: Path) -> None:
    report.claims.write(FOUND, tmp_path)
    report.render(sample.results(), tmp_path)
    (tmp_path / "claims.html").unlink()
    report.render(sample.results(), tmp_path)
    assert links(tmp_path, "index.html") == []


def test_a_page_of_a_different_version_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "claims.html").write_text("<p>old</p>")
    report.render(sample.results(), tmp_path)
    assert (tmp_path / "claims.html").read_text() == "<p>old</p>"
    assert links(tmp_path, "index.html") == ["claims.html"]
    assert links(tmp_path, "claims.html") == []


def test_a_damaged_page_costs_no_report(tmp_path: Path) -> None:
    (tmp_path / "claims.html").write_bytes(b"\xff\xfe")
    report.render(sample.results(), tmp_path)
    assert (tmp_path / "claims.html").read_bytes() == b"\xff\xfe"


def test_nothing_but_the_line_changes(tmp_path: Path) -> None:
    report.claims.write(FOUND, tmp_path)
    report.render(sample.results(), tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert text.replace(linking.TO_CLAIMS, linking.NO_CLAIMS) == html.text(showing.clean(sample.results()))
