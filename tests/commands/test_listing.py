"""A table for a person, lines for a program; both say the same."""

from __future__ import annotations

import sys

import pytest

from suite.commands import listing, main
from tests.conftest import Parity
from tests.engine.screen import Screen

HEADINGS = ("scenario", "description", "file")
ROWS = [
    ("one", "what it is about, in a sentence", "/a/folder/one.py"),
    ("number-two", "[red] has no meaning here", "/a/folder/with/a/name/that/is/rather/long/two.py"),
]
LINES = ["one: /a/folder/one.py", "number-two: /a/folder/two.py"]


def terminal(monkeypatch: pytest.MonkeyPatch, columns: int = 80) -> Screen:
    """One that commands print on. No fixture: pytest sets standard output again before each test."""
    for name, value in (("TERM", "xterm"), ("NO_COLOR", "1"), ("COLUMNS", str(columns)), ("TTY_INTERACTIVE", "1")):
        monkeypatch.setenv(name, value)
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    return screen


def test_a_program_gets_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")
    listing.show(HEADINGS, ROWS, LINES)
    listing.say_all(["  one", "a sentence that is longer than a terminal"])
    assert capsys.readouterr().out.splitlines() == [*LINES, "  one", "a sentence that is longer than a terminal"]


def test_a_terminal_gets_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, 120)
    listing.show(HEADINGS, ROWS, LINES)
    assert screen.lines() == [
        "scenario    description                      file",
        "one         what it is about, in a sentence  /a/folder/one.py",
        "number-two  [red] has no meaning here        /a/folder/with/a/name/that/is/rather/long/two.py",
    ]


def test_a_narrower_one_breaks_long_words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, 54)
    listing.show(HEADINGS, ROWS, LINES)
    lines = screen.lines()
    assert all(len(line) <= 54 for line in lines) and lines[0].split() == list(HEADINGS)
    assert {line[:10].strip() for line in lines} == {"scenario", "one", "", "number-two"}
    whole = {word for line in lines for word in line.split()}
    assert {"description", "sentence", "meaning", "/a/folder/one.py"} <= whole
    start = lines[0].index("file")
    assert "".join(line[start:].strip() for line in lines[1:]) == "".join(file for *_, file in ROWS)


def test_a_name_stays_whole_where_a_sentence_can_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, 39)
    listing.show(("scenario", "about"), [("a-name-of-23-characters", "a sentence in words")], [])
    assert screen.lines() == [
        "scenario                 about",
        "a-name-of-23-characters  a sentence",
        "                         in words",
    ]


def test_one_that_is_too_narrow_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, 30)
    listing.show(HEADINGS, ROWS, LINES)
    assert screen.lines() == LINES


def test_an_empty_table_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    listing.show(HEADINGS, [], [])
    assert screen.getvalue() == ""


def test_sentences_are_broken_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, 30)
    listing.say_all(
        ["  ≠ 3 pairs differ in sync-bn/torch/single-x1 from here on", "No: nothing is the same, and that is so."]
    )
    assert screen.lines() == [
        "  ≠ 3 pairs differ in",
        "    sync-bn/torch/single-x1",
        "    from here on",
        "No: nothing is the same, and",
        "that is so.",
    ]


def test_a_plan_has_a_row_for_each_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, 100)
    assert main(["plan", "--scenario", "sync-bn", "--scenario", "article-mlp", "--device", "cpu", "--devices", "1"]) == 0
    assert [line.split() for line in screen.lines()[:3]] == [
        ["scenario", "tensorflow", "jax", "torch"],
        ["article-mlp", "single-x1", "single-x1", "single-x1"],
        ["sync-bn", "single-x1", "single-x1", "single-x1"],
    ]


def test_scenarios_are_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, 150)
    assert main(["scenarios", "list"]) == 0
    assert screen.lines()[0].split() == list(HEADINGS)
    assert any(line.startswith("article-mlp ") and line.endswith("article_mlp.py") for line in screen.lines())


def test_environments_are_a_table(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch, 150)
    parity.environments({"fake-a": {}, "fake-b": {}})
    file = str(parity.folder / "environments.toml")
    folder = str(parity.folder / "made")
    arguments = ["--environments", file, "--environments-folder", folder, "--backend", "fake", "--device", "cpu"]
    assert main(["environments", *arguments]) == 0
    assert [line.split()[:3] for line in screen.lines()] == [
        ["environment", "backend", "packages"],
        ["fake-a", "fake", "python"],
        ["fake-b", "fake", "python"],
    ]
