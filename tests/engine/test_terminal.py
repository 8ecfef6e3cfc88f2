"""A stream decides what is written to it, whatever the environment wishes."""

from __future__ import annotations

import io

import pytest

from suite.engine.terminal import console_of
from tests.engine.screen import Screen


@pytest.mark.parametrize("wish", ["FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"])
def test_a_file_is_no_terminal(wish: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the log of a CI service, which shows colors."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv(wish, "1")
    assert console_of(io.StringIO()) is None


def test_a_person_may_forbid_that_the_cursor_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("TTY_INTERACTIVE", "0")
    assert console_of(Screen()) is None


@pytest.mark.parametrize(("kind", "there"), [("xterm", True), ("dumb", False), ("unknown", False)])
def test_a_terminal_is_one_if_it_can_move_its_cursor(kind: str, there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    assert (console_of(Screen()) is not None) == there


def test_text_is_written_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    console = console_of(screen)
    assert console is not None
    console.print("[bold]1 of 2[/bold] :smile: 'x'")
    assert screen.getvalue() == "[bold]1 of 2[/bold] :smile: 'x'\n"
