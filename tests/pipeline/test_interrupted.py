"""A command in a terminal, which a person watches and interrupts."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from suite.artifacts.store import Store
from suite.commands import main
from suite.records import Run, Status
from suite.results.study import Study
from tests.conftest import Parity
from tests.engine.screen import drawn, shows_cursor
from tests.pipeline.fake_runs import written
from tests.processes import until

ROOT = Path(__file__).parents[2]
WIDE = {"TERM": "xterm", "COLUMNS": "250", "LINES": "24", "PYTHONPATH": str(ROOT)}


def read(terminal: int) -> str:
    """What a command has written since the last call."""
    text = b""
    while select.select([terminal], [], [], 0.05)[0]:
        try:
            text += os.read(terminal, 65536)
        except OSError:  # the command has ended
            break
    return text.decode().replace("\r\n", "\n")


def test_an_interrupted_command_leaves_a_clean_terminal(parity: Parity) -> None:
    parity.scenario("clusters")
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_DEFECT": "hang"}})
    terminal, other_end = pty.openpty()
    command = [sys.executable, "-m", "suite", *parity.arguments("--jobs", "2")]
    with subprocess.Popen(command, stdin=other_end, stdout=other_end, stderr=other_end, env=os.environ | WIDE) as process:
        os.close(other_end)
        written = [""]

        def lines() -> list[str]:
            written[0] += read(terminal)
            return drawn(written[0])

        hanging = "  train/clusters/fake-b/fake-x1/plain"
        until(lambda: hanging in lines(), seconds=120.0)
        assert any(line.startswith("━") and " of " in line for line in lines())
        process.send_signal(signal.SIGINT)
        process.wait(60)
        first, *rest = lines()
    os.close(terminal)
    assert process.returncode == 130
    assert " runs in " in first and shows_cursor(written[0])
    assert rest == ["", "interrupted: finished runs are kept, the same command goes on from there"]
    assert main(["report", "--out", str(parity.run)]) == 2, "what has run by then can be shown"
    statuses = {run["status"] for run in parity.results()["runs"]}
    assert "complete" in statuses and len(statuses) > 1


def interrupt(_: Study) -> list[Run]:
    raise KeyboardInterrupt


def test_a_command_that_did_not_come_to_its_end_is_no_success(parity: Parity, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where every planned run is complete: further runs may show more."""
    parity.scenario("clusters", synchronized=True)
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_ORDER": "1"}})
    words = ("--devices", "1", "--steps", "2")
    with monkeypatch.context() as patched:
        patched.setattr(Study, "further_runs", interrupt)
        assert main(parity.arguments(*words)) == 130
    with Store(parity.run).lock():
        assert main(["report", "--out", str(parity.run)]) == 2, "a reader needs no lock, and waits for nobody"
    results = written(parity)
    assert {row.status for row in results.runs} == {Status.COMPLETE}
    assert [(one.job, one.status) for one in results.jobs] == [("command", Status.STARTED)]
    assert "it was interrupted, or is still at work" in (parity.run / "index.html").read_text()
    assert parity.compare(*words)[0] == 0
    assert written(parity).jobs == ()
