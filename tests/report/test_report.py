"""All formats in one folder, and the words and numbers that the report shares with what measures and judges."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite import report
from suite.compare import metrics
from suite.judge import equivalence
from suite.report import bulk, html, summary, words
from tests.report import sample


def test_every_format_is_written_and_nothing_else_stays(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    report.render(sample.results(), folder)
    assert {one.name for one in folder.iterdir()} == set(report.FORMATS)
    report.render(sample.NOTHING, folder)
    for name, text in report.FORMATS.items():
        assert (folder / name).read_text(encoding="utf-8") == text(sample.NOTHING)


def test_split_assets_stand_beside_the_page(tmp_path: Path) -> None:
    report.render(sample.results(), tmp_path, split_assets=True)
    assert {one.name for one in tmp_path.iterdir()} == {*report.FORMATS, "index.css", "index.js"}
    assert "<style" not in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    report.render(sample.results(), tmp_path)
    before = (tmp_path / "index.html").read_text(encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        report.output.write(tmp_path / "index.html", "half \ud800")
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == before


def test_every_metric_has_words_for_the_reader() -> None:
    assert words.METRICS.keys() == metrics.METRICS.keys()


def test_what_is_not_judged_is_shown_without_a_limit() -> None:
    assert {name for name, metric in metrics.METRICS.items() if not metric.judged} == summary.REPORTED


def test_the_band_is_what_is_judged() -> None:
    assert bulk.ENVELOPES == equivalence.ENVELOPE_FACTOR


def test_a_full_report_stays_small() -> None:
    """12 scenarios x 15 pairs x 5 quantities: 5 MB is what a browser opens at once."""
    names = tuple(f"scenario-{index}" for index in range(12))
    text = html.text(sample.results(names))
    assert len(text.encode()) < 2_000_000
    assert text.count("<") < 100_000
    assert len(html.style().encode()) <= 12_000
    assert len(html.script().encode()) <= 30_000
