"""What is in results.json becomes no code, command or path; and what a script needs and is not there is a sentence."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from suite.commands import main
from suite.plan import discover
from suite.records import Cause, Code, ConfigurationError, Place, Source
from suite.report import repro, results_json
from tests.report.repro.results_to_show import MEMBERS, covering, pair, prepared, written


def test_without_its_run_folder_or_its_scenario_it_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = prepared(tmp_path)
    alone = tmp_path / "elsewhere" / "results.json"
    results_json.write(covering(results, MEMBERS["one backend"](results)), alone)
    there = ["--scenario-path", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main(["repro", "1", "--results", str(alone), *there]) == 3
    assert "does not hold the batches and weights of mine" in capsys.readouterr().err
    (tmp_path / "mine.py").unlink()
    results_json.write(covering(results, MEMBERS["one backend"](results)), tmp_path / "results.json")
    assert main(["repro", "1", "--results", str(tmp_path / "results.json"), *there]) == 3
    assert (
        f"{tmp_path / 'mine.py'} is in no folder of scenarios here: give its folder with --scenario-path"
        in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


def marked(folder: Path) -> str:
    """Python that leaves a file: it must never run."""
    return f"__import__('pathlib').Path({str(folder / 'ran')!r}).touch()"


def test_a_file_is_executed_only_where_the_user_says_that_scenarios_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = prepared(tmp_path)
    (tmp_path / "mine.py").write_text((tmp_path / "mine.py").read_text() + marked(tmp_path))
    digest = discover.digest_of(Source(kind="file", location=str(tmp_path / "mine.py")))
    results = replace(results, scenarios=(replace(results.scenarios[0], digest=digest),))
    results_json.write(covering(results, MEMBERS["one backend"](results)), tmp_path / "results.json")
    assert main(["repro", "1", "--results", str(tmp_path / "results.json"), "--out", str(tmp_path / "out")]) == 3
    assert "is in no folder of scenarios here: give its folder with --scenario-path" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("source", ["mine.py", "../mine.py", "/elsewhere/mine.py", "C:\\there\\mine.py"])
def test_a_file_that_is_not_the_one_that_ran_is_not_executed(tmp_path: Path, source: str) -> None:
    results = prepared(tmp_path)
    (tmp_path / "mine.py").write_text((tmp_path / "mine.py").read_text() + marked(tmp_path))
    results = replace(results, scenarios=(replace(results.scenarios[0], source=source),))
    with pytest.raises(ConfigurationError, match=r"mine\.py is not the scenario that ran \(its sha256 differs\)"):
        written(covering(results, MEMBERS["one backend"](results)), tmp_path)
    assert not (tmp_path / "ran").exists()


PAYLOADS = (
    '"""\nCODE\n"""', "\nCODE\n", "'''\nCODE\n'''", "\\", '"', "\u2028CODE\u2028", "\rCODE\r", "\x0cCODE\x0c",
    "```\n# a heading", "{% CODE %}", "{{ 7 * 191 }}",
)  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_words_and_versions_become_no_code(tmp_path: Path, payload: str) -> None:
    hostile = payload.replace("CODE", marked(tmp_path))
    results = prepared(tmp_path)
    environments = tuple(replace(one, packages={"keras": hostile, hostile: "1"}) for one in results.environments)
    rows = tuple(replace(row, facts={"machine": hostile, "devices": hostile}) for row in results.runs)
    cause = (Cause(code=Code.UNKNOWN, subject=hostile, detail=(("reason", hostile),)),)
    member = replace(MEMBERS["two backends"](results), causes=cause)
    results = covering(replace(results, environments=environments, runs=rows), member)
    place = Place(stage=hostile, tensor=hostile, state="0", size=0.25, ratio=70.0)
    results = replace(results, findings=tuple(replace(one, place=place) for one in results.findings))
    script, report, _ = written(results, tmp_path)
    tree = ast.parse(script)
    assert "ran" not in {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Call) and "__import__" in ast.unparse(node)]
    assert not any(line.startswith(("```", "# a heading")) for line in report.partition("<details>")[0].splitlines())
    assert "1337" not in script + report


@pytest.mark.parametrize("name", ['jax"; import os #', "jax\n", "$(id)", "../jax", "a b", ""])
def test_an_environment_that_has_no_name_becomes_neither_code_nor_command(tmp_path: Path, name: str) -> None:
    results = prepared(tmp_path)
    found = pair(results, "tensorflow/single-x1", "jax/single-x1")
    odd = replace(found, b=replace(found.b, configuration=replace(found.b.configuration, environment=name)))
    one = next(ready for ready in results.environments if ready.environment.name == "jax")
    more = replace(one, environment=replace(one.environment, name=name))
    results = replace(results, environments=(*results.environments, more))
    with pytest.raises(ConfigurationError, match="is no name of an environment, a backend or a device"):
        written(covering(results, odd), tmp_path)


@pytest.mark.parametrize("change", [{"device": 'cpu"]); 1 #'}, {"backend": "jax'"}], ids=["device", "backend"])
def test_a_device_or_backend_that_is_none_becomes_no_code(tmp_path: Path, change: dict[str, Any]) -> None:
    results = prepared(tmp_path)
    environments = tuple(replace(one, environment=replace(one.environment, **change)) for one in results.environments)
    every = replace(results, environments=environments)
    with pytest.raises(ConfigurationError, match="is no name of an environment, a backend or a device"):
        written(covering(every, MEMBERS["one backend"](every)), tmp_path)


def test_a_fingerprint_is_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    results = prepared(tmp_path)
    results = covering(results, MEMBERS["one backend"](results))
    results = replace(results, findings=tuple(replace(one, fingerprint="../../out") for one in results.findings))
    with pytest.raises(ConfigurationError, match="which is no name of a folder: give one with --out"):
        repro.write(results, tmp_path, "1", None, [tmp_path])
    assert not list((tmp_path / "here").iterdir()) and not (tmp_path / "out").exists()


def test_a_scenario_or_environment_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    results = prepared(tmp_path)
    every = covering(results, MEMBERS["one backend"](results))
    with pytest.raises(ConfigurationError, match="does not say where the scenario 'mine' is from"):
        written(replace(every, scenarios=()), tmp_path)
    with pytest.raises(ConfigurationError, match="is no name of an environment, a backend or a device"):
        written(replace(every, environments=()), tmp_path)
