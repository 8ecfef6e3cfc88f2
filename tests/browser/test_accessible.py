"""No violation that axe can find (WCAG 2.2 AA), in each theme, with everything opened."""

from __future__ import annotations

from typing import Any

import pytest

from suite.records import Results, Verdict
from tests.browser.conftest import Open
from tests.report import sample

THEMES: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced colours": {"forced_colors": "active"},
    "narrow": {"viewport": {"width": 320, "height": 700}},
}
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}


def violations(open_page: Open, results: Results, show: str, options: dict[str, Any]) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    one = open_page(results, address=f"#scenario=article-mlp&a=torch/single-x1&b=torch/torch_ddp-x2&show={show}", **options)
    one.page.evaluate("document.querySelectorAll('details').forEach(node => { node.open = true; })")
    one.page.wait_for_timeout(100)
    found = Axe().run(one.page, options=RULES).response["violations"]
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found]


@pytest.mark.parametrize(("theme", "show"), [*((theme, "verdict") for theme in THEMES), ("light", "magnitude")])
def test_axe_finds_nothing(open_page: Open, theme: str, show: str) -> None:
    options = THEMES[theme]
    assert violations(open_page, sample.results(), show, options) == []
    assert violations(open_page, sample.results(verdicts=(Verdict.DIFFERENT,)), show, options) == []


def test_axe_finds_nothing_in_an_empty_page(open_page: Open) -> None:
    assert violations(open_page, sample.NOTHING, "verdict", {}) == []
