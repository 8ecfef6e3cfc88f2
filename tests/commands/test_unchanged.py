"""A command with nothing to do judges nothing again, and one with anything to do does."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.artifacts import names
from suite.commands import main, unchanged
from suite.plan.jobs import Jobs
from suite.results import study
from tests.conftest import Parity

KEY = "k" * 32
STANDS = "nothing has changed since the report of"


@pytest.fixture
def compared(parity: Parity) -> Parity:
    """A comparison with a report that can stand."""
    parity.scenario("clusters", synchronized=True)
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_ORDER": "1"}})
    assert main(parity.arguments("--devices", "1", "--steps", "3")) == 0
    return parity


def again(parity: Parity, capsys: pytest.CaptureFixture[str], *extra: str) -> tuple[int, bool]:
    """The exit code, and whether the report stood."""
    capsys.readouterr()
    code = main(parity.arguments("--devices", "1", "--steps", "3", *extra))
    return code, STANDS in capsys.readouterr().out


def test_nothing_is_planned_judged_or_rendered_again(
    compared: Parity, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (compared.run / names.JUDGED).unlink()
    assert main(compared.arguments("--devices", "1", "--steps", "3")) == 0
    said = capsys.readouterr().out.splitlines()[-9:]
    before = {path: path.stat().st_mtime_ns for path in compared.run.glob("*.*")}
    monkeypatch.setattr(study.Study, "__init__", lambda *_: pytest.fail("it was judged again"))
    monkeypatch.setattr(Jobs, "first", lambda *_: pytest.fail("it was looked through again"))
    assert main(compared.arguments("--devices", "1", "--steps", "3")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith(STANDS) for line in lines) and lines[-9:] == said
    assert {path: path.stat().st_mtime_ns for path in compared.run.glob("*.*")} == before


def test_json_is_that_of_the_report(compared: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    answers = []
    for _ in range(2):
        capsys.readouterr()
        assert main(compared.arguments("--devices", "1", "--steps", "3", "--json")) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0] == answers[1]


def _flipped(run: Path) -> None:
    """One bit, with the time of the change put back."""
    path = next(run.glob("runs/**/step-3.safetensors"))
    found, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "a bit of an artifact": _flipped,
    "an artifact is gone": lambda run: next(run.glob("probes/*/manifest.json")).unlink(),
    "something is added": lambda run: (run / "runs" / "stranger").write_text(""),
    "the page is gone": lambda run: (run / "index.html").unlink(),
    "the results are edited": lambda run: (run / "results.json").write_text((run / "results.json").read_text() + " "),
    "the session is gone": lambda run: (run / names.SESSION).unlink(),
    "what was kept is damaged": lambda run: (run / names.JUDGED).write_text("{"),
    "what was kept is another digest": lambda run: (run / names.JUDGED).write_text('{"digest": ""}'),
    "what was kept is gone": lambda run: (run / names.JUDGED).unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_folder_that_changed_is_judged_again(compared: Parity, capsys: pytest.CaptureFixture[str], change: str) -> None:
    CHANGES[change](compared.run)
    assert again(compared, capsys) == (0, False)
    assert (compared.run / "index.html").exists()
    assert again(compared, capsys) == (0, True)


@pytest.mark.parametrize(
    "option", [("--fail-on", "rounding"), ("--split-assets",), ("--steps", "4"), ("--rerun", "all"), ("--seed", "2")]
)  # fmt: skip
def test_another_question_is_answered_anew(
    compared: Parity, capsys: pytest.CaptureFixture[str], option: tuple[str, ...]
) -> None:
    assert again(compared, capsys, *option)[1] is False


def test_signatures_are_held_against_the_artifacts_and_not_against_a_report(
    compared: Parity, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(KEY)
    key = ("--key-file", str(tmp_path / "key"))
    assert again(compared, capsys, "--sign", *key) == (0, True)
    assert again(compared, capsys, "--verify", *key) == (0, False)


def test_a_report_of_what_failed_does_not_stand(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    parity.scenario("clusters", synchronized=True)
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_DEFECT": "raise"}})
    for _ in range(2):
        assert again(parity, capsys) == (2, False)
    assert not (parity.run / names.JUDGED).exists()


def test_an_accepted_difference_counts(compared: Parity, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    known.write_text("")
    assert again(compared, capsys, "--known", str(known)) == (0, True)
    known.write_text('[[known]]\nfingerprint = "0123456789ab"\nreason = "a trial"\nexpires = 2999-01-01\n')
    assert again(compared, capsys, "--known", str(known)) == (0, False)


def test_code_of_the_suite_counts(
    compared: Parity, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "suite").mkdir()
    monkeypatch.setattr(unchanged, "SUITE", tmp_path / "suite")
    assert again(compared, capsys) == (0, False)
    assert again(compared, capsys) == (0, True)
    (tmp_path / "suite" / "judge.py").write_text("")
    assert again(compared, capsys) == (0, False)
