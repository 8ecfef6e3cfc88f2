"""The linters: a problem of the page's script has its own file and line, and pre-commit runs what `nox -s lint` runs."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def lint_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lint_script", ROOT / ".ci" / "lint_script.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files of one scope: the second uses a name of the first."""
    first, second = tmp_path / "first.js", tmp_path / "second.js"
    first.write_text("// Two lines.\nconst one = 1;\n")
    second.write_text("const two = one + 1;\n")
    return [first, second]


def diagnostic(line: int) -> dict[str, Any]:
    spans = [{"span": {"line": line, "column": 7}}] if line else []
    return {"message": "'two' is never used", "code": "eslint(no-unused-vars)", "labels": spans}


def test_the_files_are_one_script_in_one_scope(lint_script: ModuleType, files: list[Path]) -> None:
    text, places = lint_script.joined(files)
    assert text == '"use strict"; (() => {\n// Two lines.\nconst one = 1;\nconst two = one + 1;\n})();\n'
    assert len(places) == len(text.splitlines())


@pytest.mark.parametrize(
    ("line", "place"), [(2, "first.js:1:7"), (3, "first.js:2:7"), (4, "second.js:1:7"), (0, "the whole script")]
)
def test_a_problem_is_told_with_its_own_file_and_line(
    lint_script: ModuleType, files: list[Path], line: int, place: str
) -> None:
    _, places = lint_script.joined(files)
    said = lint_script.sentence(diagnostic(line), places)
    assert said.endswith(f"{place}: 'two' is never used (eslint(no-unused-vars))")


def test_a_problem_of_syntax_has_no_rule(lint_script: ModuleType, files: list[Path]) -> None:
    _, places = lint_script.joined(files)
    unparsed = {name: value for name, value in diagnostic(4).items() if name != "code"}
    assert lint_script.sentence(unparsed, places).endswith("second.js:1:7: 'two' is never used (syntax)")


@pytest.mark.parametrize("answer", ["", "no such rule", '{"diagnostics": [], "number_of_files": 0}'])
def test_a_linter_that_looked_at_nothing_is_no_success(
    lint_script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    program = tmp_path / "oxlint"
    program.write_text(f"#!/bin/sh\nprintf '%s' '{answer}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(RuntimeError, match="oxlint did not lint the script"):
        lint_script.oxlint("const one = 1;\n")


def linters() -> list[list[str]]:
    """What the session `lint` of the noxfile runs, word by word."""
    tree = ast.parse((ROOT / "noxfile.py").read_text(encoding="utf-8"))
    (lint,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "lint")
    calls = [node for node in ast.walk(lint) if isinstance(node, ast.Call) and ast.unparse(node.func) == "session.run"]
    return [[str(ast.literal_eval(argument)) for argument in call.args] for call in calls]


def test_pre_commit_runs_what_nox_runs_and_fetches_nothing() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"repo: *(.*)", text) == ["local"]
    entries = {entry.removesuffix(" --force-exclude") for entry in re.findall(r"entry: *(.*)", text)}
    assert entries == {" ".join(word for word in words if word != ".") for words in linters()}
