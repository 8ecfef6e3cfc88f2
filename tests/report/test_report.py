"""All formats in one folder, and the words and numbers that the report shares with what measures and judges."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from suite import report
from suite.artifacts.writing import write_text
from suite.compare import metrics
from suite.records import Emulation, Status
from suite.report import findings, glossary, html, plans
from tests.report import sample


def test_every_format_is_written_and_nothing_else_stays(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    report.render(sample.results(), folder)
    assert {one.name for one in folder.iterdir()} == set(report.FORMATS)
    report.render(sample.NOTHING, folder)
    for name, text in report.FORMATS.items():
        assert (folder / name).read_text(encoding="utf-8") == text(sample.NOTHING)


def test_the_console_ends_with_the_first_screen_and_names_what_failed() -> None:
    results = sample.results()
    said = list(report.terminal(results))
    screen = list(plans.lines(results))
    start = said.index(screen[0])
    assert said[start : start + len(screen)] == screen
    assert "  broken: lost-plugin (plugins/lost.py:3): ImportError: no module named lost" in said[:start]
    assert f"  failed: {sample.FAILED.id}/plain: it ended with exit code 1" in said[:start]


def test_the_console_counts_the_findings_that_it_leaves_out() -> None:
    results = sample.results()
    shown, whole = ((results.findings * 9)[:count] for count in (findings.SHOWN, findings.SHOWN + 2))
    assert "  and 2 more: see the page" in report.terminal(replace(results, findings=whole))
    assert not any(" more: see the page" in line for line in report.terminal(replace(results, findings=shown)))


def test_the_console_names_each_environment_that_failed_before_a_second_reason_and_counts_the_rest() -> None:
    found = sample.results(healthy=True)
    plain = {row.run.configuration.environment: row for row in found.runs}
    assert len(plain) == 3
    oracle = replace(next(iter(plain.values())).run, emulates=Emulation())
    broken = [("an oracle", oracle), *(("first", row.run) for row in list(plain.values())[:1])]
    broken += [("second", next(iter(plain.values())).run), *((name, row.run) for name, row in list(plain.items())[1:])]
    row = next(iter(plain.values()))
    rows = tuple(replace(row, run=run, status=Status.FAILED, reason=reason) for reason, run in broken)
    said = [line for line in report.terminal(replace(found, runs=rows)) if "  failed: " in line or "reasons" in line]
    assert [line.rpartition(": ")[2] for line in said[:3]] == ["first", *list(plain)[1:]]
    assert said[3:] == ["  and 2 more reasons for which runs failed: see the page"]


def test_a_reason_that_is_a_sentence_ends_once() -> None:
    found = sample.results()
    first = replace(found.findings[0], accepted="It is known. It is harmless.")
    said = "\n".join(report.terminal(replace(found, findings=(first, *found.findings[1:]))))
    assert "Accepted: It is known. It is harmless.\n" in said


def test_split_assets_stand_beside_the_page(tmp_path: Path) -> None:
    report.render(sample.results(), tmp_path, split_assets=True)
    assert {one.name for one in tmp_path.iterdir()} == {*report.FORMATS, "index.css", "index.js"}
    assert "<style" not in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report.render(sample.results(), tmp_path)
    before = (tmp_path / "index.html").read_text(encoding="utf-8")

    def interrupted(*_: object) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_text(tmp_path / "index.html", "half")
    assert {path.name for path in tmp_path.iterdir()} == set(report.FORMATS)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == before


def test_every_metric_has_words_for_the_reader() -> None:
    assert glossary.METRICS.keys() == metrics.METRICS.keys()


@pytest.mark.skipif(not shutil.which("node"), reason="no node; tests/browser runs the script in any case")
def test_the_script_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text(html.script(), encoding="utf-8")
    done = subprocess.run(["node", "--check", str(tmp_path / "index.js")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_curve_of_a_figure_has_a_style() -> None:
    classes = re.findall(r'curve\([^"]*?"([^"]*)"\)', html.script())
    assert len(classes) >= 2
    assert [name for name in classes if f"svg .{name}{{" not in html.style()] == []


def test_a_full_report_stays_small() -> None:
    """12 scenarios x 15 pairs x 5 quantities: 5 MB is what a browser opens at once."""
    names = tuple(f"scenario-{index}" for index in range(12))
    text = html.text(sample.results(names))
    assert len(text.encode()) < 2_000_000
    assert text.count("<") < 100_000
    assert len(html.style().encode()) <= 12_000
    assert len(html.script().encode()) <= 30_000
