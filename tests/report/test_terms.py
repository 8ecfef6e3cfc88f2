"""The page and docs/glossary.md explain each term in the same words."""

from __future__ import annotations

import re
from pathlib import Path

from suite.report import html, terms
from tests.report import sample
from tests.report.page import Page

GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"


def documented() -> dict[str, str]:
    first = GLOSSARY.read_text(encoding="utf-8").partition("## Variations")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", first, re.M)
    return dict(rows[1:])


def test_both_have_the_same_words_in_the_same_order() -> None:
    assert list(documented().items()) == list(terms.TERMS.items())
    assert len(terms.TERMS) > 30


def test_the_page_explains_every_term() -> None:
    page = Page(html.text(sample.NOTHING))
    section = next(one for one in page.all("section") if one.attributes.get("id") == "terms")
    pairs = zip(page.inside(section, "dt"), page.inside(section, "dd"), strict=True)
    assert {term.text: meaning.text for term, meaning in pairs} == terms.TERMS
