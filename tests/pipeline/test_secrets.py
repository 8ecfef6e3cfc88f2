"""What is secret reaches the worker that needs it, and stands in no file of the run folder and on no terminal."""

from __future__ import annotations

import sys

import pytest

from suite.commands import main
from suite.records.showing import HIDDEN
from tests.conftest import Parity
from tests.pipeline.fake_runs import ONE, written

SECRET = "hunter2"
NEEDS = """
    import os
    assert os.environ["MY_KEY"] == "hunt" + "er2" and "AWS_KEY" not in os.environ
"""
TALKS = r"""
    print("\x1b[31mred\x1b[0m")
    raise ValueError("at https://me:" + "hunter" + "2@host \x1b]0;owned\x07 \ud800")
"""


def files_with(parity: Parity, word: bytes) -> list[str]:
    found = [path for path in parity.run.rglob("*") if path.is_file() and word in path.read_bytes()]
    return sorted(str(path.relative_to(parity.run)) for path in found)


def test_a_secret_reaches_the_worker_and_no_file(
    parity: Parity, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = parity.scenario("clusters")
    scenario.write_text(scenario.read_text().replace("    import numpy as np\n", NEEDS + "    import numpy as np\n"))
    parity.environments({"fake-a": {"MY_KEY": SECRET}, "fake-b": {"MY_KEY": SECRET, "PARITY_FAKE_ORDER": "1"}})
    monkeypatch.setenv("AWS_KEY", "from the shell")
    monkeypatch.setattr(sys, "argv", ["parity", "compare", "--plugin", f"x @ https://me:{SECRET}@host/x.whl"])
    assert main(parity.arguments("--devices", "1")) == 0
    out, err = capsys.readouterr()
    assert not files_with(parity, SECRET.encode()) and SECRET not in out + err
    results = written(parity)
    assert results.plan.command == f"parity compare --plugin 'x @ https://{HIDDEN}@host/x.whl'"
    shown = {one.environment.name: dict(one.environment.variables) for one in results.environments}
    assert shown["fake-b"] == {"MY_KEY": HIDDEN, "PARITY_FAKE_ORDER": "1"}


def test_what_a_plugin_says_obeys_nothing_in_any_report(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = parity.scenario("clusters")
    scenario.write_text(scenario.read_text().replace("    import numpy as np\n", TALKS))
    parity.environments({"fake-a": {}, "fake-b": {}})
    assert main(parity.arguments("--devices", "1")) == 2
    out, err = capsys.readouterr()
    for name in ("index.html", "summary.md", "junit.xml", "results.json", "session.json"):
        text = (parity.run / name).read_bytes().decode()
        assert f"clusters/fake-a/{ONE}/plain" in text
        assert not {"\x1b", "\x07"} & set(text)
        assert SECRET not in text and "u001b" not in text
    assert "ValueError: at https://" in out + err
    assert not {"\x1b", "\x07"} & set(out + err) and SECRET not in out + err
