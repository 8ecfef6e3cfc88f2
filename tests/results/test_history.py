"""Known differences and baselines through the command line, on the fake backend."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from suite.commands import main
from suite.plan import locations
from tests.conftest import Parity

FAKES = {"fake-a": {"PARITY_FAKE_ORDER": "0"}, "fake-b": {"PARITY_FAKE_ORDER": "1", "PARITY_FAKE_DEFECT": "epsilon,unsaved"}}
TODAY = datetime.date.today()
LATER, EARLIER = TODAY + datetime.timedelta(days=30), TODAY - datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def finished(parity_of: Callable[[str], Parity]) -> Parity:
    parity = parity_of("history")
    parity.scenario("clusters")
    parity.environments(FAKES)
    code, _ = parity.compare()
    assert code == 1
    return parity


def accepted(folder: Path, fingerprints: list[str], day: datetime.date) -> Path:
    path = folder / "known.toml"
    path.write_text(
        "\n".join(f'[[known]]\nfingerprint = "{one}"\nreason = "it is known"\nexpires = {day}\n' for one in fingerprints)
    )
    return path


def again(parity: Parity, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Judges and renders again: exit code and results.json."""
    return main(["report", "--out", str(parity.run), *arguments]), parity.results()


def failing(results: dict[str, Any]) -> list[str]:
    return [one["fingerprint"] for one in results["findings"] if one["verdict"] in ("different", "invalid")]


def test_every_finding_has_a_fingerprint_and_the_command_that_shows_it_again(finished: Parity) -> None:
    _, results = again(finished)
    found = [one["fingerprint"] for one in results["findings"]]
    assert len(set(found)) == len(found) > 0
    for one in results["findings"]:
        assert one["repeat"].startswith("nox -s compare-all -- --scenario clusters")
        assert "--environments" in one["repeat"]


def test_a_known_difference_does_not_fail_until_its_day(finished: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    _, results = again(finished)
    found = failing(results)
    code, results = again(finished, "--known", str(accepted(finished.folder, found, LATER)))
    assert code == 0
    assert results["exit_code"] == 0
    assert {one["state"] for one in results["known"]} == {"shows"}
    assert {one["accepted"] for one in results["findings"] if one["fingerprint"] in found} == {"it is known"}
    junit = ElementTree.parse(finished.run / "junit.xml")
    assert not junit.findall(".//failure")
    assert {one.attrib["message"].partition(":")[0] for one in junit.findall(".//skipped")} == {"accepted (it is known)"}
    assert f"`{found[0]}`: accepted until {LATER}: it is known" in (finished.run / "summary.md").read_text()
    capsys.readouterr()
    code, results = again(finished, "--known", str(accepted(finished.folder, found, EARLIER)))
    assert code == 1
    assert {one["state"] for one in results["known"]} == {"expired"}
    assert f"expired on {EARLIER} and fails the gate again" in capsys.readouterr().out
    assert ElementTree.parse(finished.run / "junit.xml").findall(".//failure")


def test_all_but_one_known_fails(finished: Parity) -> None:
    _, results = again(finished)
    found = failing(results)
    assert len(found) > 1
    assert again(finished, "--known", str(accepted(finished.folder, found[1:], LATER)))[0] == 1


def test_one_that_no_longer_shows_is_reported(finished: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    known = accepted(finished.folder, ["00000000"], LATER)
    code, results = again(finished, "--known", str(known))
    assert code == 1
    assert [one["state"] for one in results["known"]] == ["gone"]
    assert "does not show in this run: remove it if it was fixed" in capsys.readouterr().out


def test_every_report_quotes_the_self_test_that_was_kept(
    finished: Parity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "selftest.json"
    monkeypatch.setattr(locations, "KEPT_SELFTEST", path)
    code, results = again(finished)
    assert results["self_test"] is None
    document = {"faults": [], "clean_pairs": 3, "alarms": [], "versions": {"numpy": "0.1"}}
    fault = {"detected": True, "cause_right": True, "place_right": False}
    path.write_text(json.dumps(document | {"faults": [fault, fault]}))
    assert again(finished)[0] == code
    [found] = finished.results()["self_test"]["grounds"]
    assert found["ground"] == "built-in"
    assert found["rates"] == {"detected": 1.0, "right cause": 1.0, "right place": 0.0, "right cause or place": 1.0}
    assert found["apart"][-1] == "measured by an unknown version of keras-parity"
    summary = (finished.run / "summary.md").read_text()
    assert "In built-in scenarios: of 2 injected faults 100.0% detected, 100.0% right cause, 0.0% right place" in summary


def test_a_damaged_self_test_never_loses_the_report(
    finished: Parity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, before = again(finished)
    path = tmp_path / "selftest.json"
    path.write_text("{")
    monkeypatch.setattr(locations, "KEPT_SELFTEST", path)
    after = again(finished)
    assert after[0] == code
    assert after[1]["answer"] == before["answer"]
    assert "selftest.json cannot be read (Input data was truncated)" in (finished.run / "index.html").read_text()


def test_a_broken_file_is_one_sentence_and_nothing_runs(finished: Parity, capsys: pytest.CaptureFixture[str]) -> None:
    path = finished.folder / "broken.toml"
    path.write_text('[[known]]\nfingerprint = "0123456789ab"\n')
    before = (finished.run / "results.json").stat().st_mtime_ns
    assert main(finished.arguments("--known", str(path))) == 3
    assert capsys.readouterr() == (
        "",
        f"parity: {path}:1: no reason; a known difference has fingerprint, reason, link, expires, scenarios\n",
    )
    assert (finished.run / "results.json").stat().st_mtime_ns == before


def test_no_baseline_is_not_no_change(finished: Parity) -> None:
    _, results = again(finished)
    assert results["change"] is None
    assert "Since" not in (finished.run / "summary.md").read_text()


def test_a_baseline_says_what_moved(finished: Parity, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, results = again(finished)
    baseline = tmp_path / "baseline.json"
    moved = next(one for one in results["pairs"] if one["verdict"] == "different")
    moved["verdict"] = "rounding"
    results["limits"][0]["value"] = 0.5
    baseline.write_text(json.dumps(results))
    code, results = again(finished, "--baseline", str(baseline))
    assert code == 1
    moves = [(move["about"], move["how"], move["before"], move["now"]) for move in results["change"]["moves"]]
    assert moves[0] == ("verdict", "worse", "rounding", "different")
    assert moves[1][:3] == ("limit", "changed", "0.5")
    assert results["change"]["words"] in capsys.readouterr().out
    summary = (finished.run / "summary.md").read_text()
    assert "1 worse:" in summary
    assert "rounding → different" in summary
    assert main(["diff", str(baseline), str(finished.run / "results.json")]) == 1
    assert "  worse    verdict" in capsys.readouterr().out
    assert main(["diff", str(finished.run / "results.json"), str(finished.run / "results.json")]) == 0


@pytest.mark.parametrize("before", ['{"schema": 99}', '{"schema": 0, "answer": "x"}'])
def test_a_baseline_of_another_schema_is_said_and_costs_nothing(finished: Parity, tmp_path: Path, before: str) -> None:
    baseline = tmp_path / "old.json"
    baseline.write_text(before)
    code, results = again(finished, "--baseline", str(baseline))
    assert code == 1
    assert results["change"]["incomparable"].startswith(f"{baseline} has schema ")
    assert results["change"]["moves"] == []
    assert "What changed since old.json is unknown" in (finished.run / "summary.md").read_text()
    assert main(["diff", str(baseline), str(finished.run / "results.json")]) == 2


def test_a_baseline_that_cannot_be_read_stops_before_anything_runs(
    finished: Parity, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(finished.arguments("--baseline", str(tmp_path / "nowhere.json"))) == 4
    assert capsys.readouterr().err.startswith(f"parity: {tmp_path / 'nowhere.json'} cannot be read (No such file")
    assert main(["diff", str(finished.run / "results.json"), str(finished.run / "summary.md")]) == 2
    assert "is not a results.json" in capsys.readouterr().err
