"""Findings over time on the page and in the summary."""

from __future__ import annotations

from dataclasses import replace

import pytest

from suite.records import Trend
from suite.report import html, markdown, trends
from tests.report import sample
from tests.report.page import Page

PLAIN = sample.results()
FINDING = next(one for one in PLAIN.findings if one.parts)
TREND = Trend(
    fingerprint=FINDING.fingerprint,
    since="2026-11-20",
    before="2026-11-18",
    moved=("jax: keras 3.14.0 → 3.15.1",),
    shown=3,
    looked=4,
    metric="tv",
    sizes=(("2026-11-20", 0.01), ("2026-11-21", 0.1), ("2026-11-22", 0.02)),
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {},
            "Since 2026-11-20, in 3 of 4 runs; 2026-11-18 did not show it, with other versions: jax: keras 3.14.0 → 3.15.1.",
        ),
        ({"moved": ()}, "Since 2026-11-20, in 3 of 4 runs; 2026-11-18 did not show it, with the same versions."),
        ({"before": ""}, "Since 2026-11-20, in 3 of 4 runs."),
        ({"shown": 1, "before": ""}, "New in this run."),
        (
            {"shown": 1, "moved": ("a", "b", "c", "d", "e", "f")},
            "New in this run; 2026-11-18 did not show it, with other versions: a, b, c, d and 2 more.",
        ),
    ],
)
def test_words(changes: dict[str, object], words: str) -> None:
    assert trends.sentence(replace(TREND, **changes)) == words  # type: ignore[arg-type]


def test_a_curve_has_a_name_with_every_number_and_stays_in_its_box() -> None:
    drawn = trends.curve(TREND)
    assert 'aria-label="tv in each run: 2026-11-20: 1 %; 2026-11-21: 10 %; 2026-11-22: 2 %"' in drawn
    points = drawn.partition('points="')[2].partition('"')[0].split()
    places = [tuple(map(float, point.split(","))) for point in points]
    assert [x for x, _ in places] == sorted(x for x, _ in places) and len(places) == 3
    assert all(0 <= x <= trends.WIDE and 0 <= y <= trends.HIGH for x, y in places)
    assert min(places, key=lambda place: place[1]) == places[1]
    assert trends.curve(replace(TREND, sizes=TREND.sizes[:1])) == ""


def test_the_page_and_the_summary_say_it_where_an_earlier_run_looked() -> None:
    told = replace(PLAIN, trends=(TREND,))
    sentence = trends.sentence(TREND)
    assert any(sentence in one.text for one in Page(html.text(told)).all("p"))
    assert f"  - Over time: {markdown.plain(sentence)}" in markdown.text(told).splitlines()
    alone = replace(PLAIN, trends=(replace(TREND, looked=1),))
    assert "Over time" not in html.text(alone) and "Over time" not in markdown.text(alone)


def test_names_of_versions_are_no_markup() -> None:
    hostile = replace(TREND, moved=("<b>x</b>",), sizes=(('"><script>', 0.1), ("b", 0.2)))
    page = html.text(replace(PLAIN, trends=(hostile,)))
    assert "<b>x</b>" not in page and '"><script>' not in page
