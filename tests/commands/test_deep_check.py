"""A deep check: one step of each scenario in each environment, in a sentence."""

from __future__ import annotations

import pytest

from suite.commands import deep_check, main
from suite.records import Environment, FoundScenario, Job, Options, Outcome, Scenario, Source, Status
from tests.conftest import Parity


def checked(parity: Parity, *extra: str) -> int:
    files = ["--scenario-path", str(parity.folder / "scenarios"), "--environments", str(parity.folder / "environments.toml")]
    return main(["scenarios", "check", "--deep", *files, "--backend", "fake", "--scenario", "clusters", *extra])


def test_what_runs_is_said_with_where(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    parity.scenario("clusters")
    parity.environments({"fake-a": {}, "fake-b": {}})
    assert checked(parity) == 0
    assert "clusters: one training step runs on fake-a and fake-b\n" in capsys.readouterr().out


def test_what_does_not_run_is_said_beside_what_does(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    parity.scenario("clusters")
    parity.environments({"fake-a": {}, "fake-b": {"PARITY_FAKE_DEFECT": "raise"}})
    assert checked(parity) == 2
    said = capsys.readouterr().out
    assert "clusters: one training step runs on fake-a\n" in said
    assert "clusters: it does not run on fake-b: " in said


def test_a_mistake_in_the_data_is_one_sentence_with_its_line(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    path = parity.scenario("clusters")
    text = path.read_text().replace("    return Data(x=x[:256]", "    missing[0]\n    return Data(x=x[:256]")
    path.write_text(text)
    line = text.splitlines().index("    missing[0]") + 1
    parity.environments({"fake-a": {}, "fake-b": {}})
    assert checked(parity) == 2
    lines = [one for one in capsys.readouterr().out.splitlines() if one.startswith("clusters: ")]
    assert len(lines) == 1
    assert "its data or its model cannot be made: " in lines[0] and "name 'missing' is not defined" in lines[0]
    assert lines[0].endswith(f"({path}:{line}, in data)")


def test_a_broken_file_is_named_too(parity: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    parity.scenario("clusters")
    (parity.folder / "scenarios" / "half.py").write_text("SCENARIO = (")
    parity.environments({"fake-a": {}})
    assert main([
        "scenarios", "check", "--deep", "--scenario-path", str(parity.folder / "scenarios"),
        "--environments", str(parity.folder / "environments.toml"), "--backend", "fake",
        "--scenario", "clusters", "--scenario", "half",
    ]) == 3  # fmt: skip
    assert "half: broken: " in capsys.readouterr().out


def test_a_list_is_not_deep(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios", "list", "--deep"]) == 4
    assert "--deep belongs to `parity scenarios check`" in capsys.readouterr().err


def test_environments_that_fail_alike_share_a_sentence() -> None:
    scenario = Scenario(
        name="mine", description="", model=lambda: None, data=lambda: None, optimizer=lambda: None, loss="mse", batch=8
    )
    found = FoundScenario(scenario=scenario, source=Source(kind="file", location="models/mine.py"), digest="")
    log = 'File "/home/me/models/mine.py", line 3, in model\n  File "keras/layers.py", line 9, in call'

    def ended(name: str, reason: str) -> tuple[Job, Outcome]:
        environment = Environment(name=name, backend="fake")
        job = Job(kind="train", scenario="mine", run_folder="", environment=environment, options=Options())
        return job, Outcome(job=name, status=Status.FAILED, reason=reason, log=log)

    same = [ended("tensorflow", "ValueError: no"), ended("jax", "ValueError: no"), ended("torch", "TypeError: other")]
    assert list(deep_check.sentences(found, dict(same))) == [
        ("it does not run on tensorflow and jax: ValueError: no (models/mine.py:3, in model)", False),
        ("it does not run on torch: TypeError: other (models/mine.py:3, in model)", False),
    ]
