"""parity zoo from the command line, on the NumPy backend: real workers, without a framework."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from suite.commands import main
from suite.referee.defects import matching
from suite.referee.defects.records import KnownDefect


class Zoo:
    """The command in a folder, with environments of the NumPy backend."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = folder / "run"

    def run(self, *arguments: str, **defects: str) -> int:
        """`defects`: environment -> what goes wrong in it; "" for nothing."""
        lines = []
        for name, defect in (defects or {"sound": ""}).items():
            lines.append(f'[environments.{name}]\nbackend = "fake"\nvariables = {{ PARITY_FAKE_ZOO = "{defect}" }}\n')
        file = self.folder / "environments.toml"
        file.write_text("\n".join(lines))
        chosen = ["--environments", str(file), "--backend", "fake", "--out", str(self.out), "--jobs", "2"]
        return main(["zoo", *chosen, *(arguments or ("--only", "Dense"))])

    def results(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "zoo.json").read_text())
        return found


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Zoo:
    monkeypatch.setattr(matching, "DEFECTS", ())
    return Zoo(tmp_path)


def test_a_sound_backend_agrees(zoo: Zoo, capsys: pytest.CaptureFixture[str]) -> None:
    assert zoo.run("--only", "Dense", "--only", "MeanSquaredError", "--only", "SGD") == 0
    words = zoo.results()["words"]["sound"]
    assert words["agrees"] >= 6 and words["departs"] == words["faulty definition"] == 0
    told = capsys.readouterr().out
    assert "Nothing is new." in told and "zoo.md" in told
    assert (zoo.out / "zoo.md").read_text().startswith("# Zoo")


@pytest.mark.parametrize("stage", ["forward", "gradient", "config"])
def test_a_defect_is_found_and_shrunk(zoo: Zoo, stage: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert zoo.run(sound="", broken=stage) == 1
    (found,) = [one for one in zoo.results()["findings"] if one["word"] == "departs"]
    assert (found["environment"], found["stage"], found["name"]) == ("broken", stage, "Dense")
    wanted = {"forward": {"units": 1}, "gradient": {"units": 1}, "config": {"units": 1, "use_bias": False}}
    assert json.loads(found["smallest"]["arguments"]) == wanted[stage]
    assert found["smallest"]["inputs"][0]["shape"] == [1, 1]
    assert "New departures (1)" in capsys.readouterr().out


def test_a_case_that_crashes_costs_no_other_case(zoo: Zoo) -> None:
    assert zoo.run(sound="", broken="crash") == 1
    words = zoo.results()["words"]
    crashed = [one for one in zoo.results()["findings"] if one["stage"] == "process"]
    assert len(crashed) == 1 and crashed[0]["environment"] == "broken"
    assert words["broken"]["departs"] == crashed[0]["cases"] > 1
    assert sum(words["sound"].values()) == sum(words["broken"].values())
    assert words["sound"]["agrees"] > words["broken"]["agrees"] > 0


def test_what_one_refuses_and_another_computes_is_listed(zoo: Zoo) -> None:
    assert zoo.run(sound="", broken="refuse") == 0
    (found,) = zoo.results()["findings"]
    assert (found["word"], found["environment"], found["detail"]) == ("unsupported", "broken", "one unit is too few")


def test_a_known_defect_is_named_and_does_not_fail(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    bias = KnownDefect(
        id="K-98", title="The bias counts twice", backends=("fake",), kind="layer", names=("Dense",), stages=("forward",)
    )
    monkeypatch.setattr(matching, "DEFECTS", (bias,))
    assert zoo.run(broken="forward") == 0
    assert {one["known"] for one in zoo.results()["findings"]} == {"K-98"}


def test_a_second_command_runs_nothing_again(zoo: Zoo) -> None:
    zoo.run()
    logs = {path: path.stat().st_mtime_ns for path in (zoo.out / "logs").iterdir()}
    zoo.run()
    assert {path: path.stat().st_mtime_ns for path in (zoo.out / "logs").iterdir()} == logs
    zoo.run("--only", "Dense", "--rerun", "all")
    assert {path: path.stat().st_mtime_ns for path in (zoo.out / "logs").iterdir()} != logs


def test_a_sample_is_as_large_as_asked_for(zoo: Zoo) -> None:
    zoo.run("--sample", "3")
    assert zoo.results()["cases"] == 3


def test_an_unknown_class_is_a_usage_error(zoo: Zoo, capsys: pytest.CaptureFixture[str]) -> None:
    assert zoo.run("--only", "Densee") == 4
    assert "Densee" in capsys.readouterr().err
