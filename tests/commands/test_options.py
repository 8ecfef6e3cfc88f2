"""Every option reaches the field of its name, with the type that is written there, and every field has an option."""

from __future__ import annotations

import argparse
import dataclasses
import typing
from pathlib import Path

import pytest

from suite.commands import COMMANDS, arguments, options
from suite.commands.options import CompareOptions
from suite.records import Verdict
from tests.commands.test_arguments import commands

REQUIRED = {"diff": ["a", "b"], "repro": ["1"], "scenarios": ["list"], "new-scenario": ["mine"], "check": ["model.keras"]}


def leaves(record: object) -> dict[str, tuple[object, object]]:
    """Field -> its value and its type, those of records inside too."""
    found: dict[str, tuple[object, object]] = {}
    types = typing.get_type_hints(type(record))
    for field in dataclasses.fields(record):  # type: ignore[arg-type]
        value = getattr(record, field.name)
        found |= leaves(value) if dataclasses.is_dataclass(value) else {field.name: (value, types[field.name])}
    return found


def given(command: str, *words: str) -> dict[str, tuple[object, object]]:
    return leaves(options.of(arguments.parser().parse_args([command, *REQUIRED.get(command, []), *words])))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_a_field_and_every_field_an_option(command: str) -> None:
    actions = [one for one in commands()[command]._actions if not isinstance(one, argparse._HelpAction)]
    assert {one.dest for one in actions} == given(command).keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_value_has_the_type_of_its_field(command: str) -> None:
    for name, (value, kind) in given(command).items():
        allowed = typing.get_args(kind) if not typing.get_origin(kind) or type(None) in typing.get_args(kind) else ()
        origin = typing.get_origin(kind)
        assert isinstance(value, allowed or (origin if isinstance(origin, type) else kind)), (name, value)  # type: ignore[arg-type]


def test_nobody_changes_what_was_given() -> None:
    told = options.of(arguments.parser().parse_args(["compare"]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        told.seeds = 3


def test_repeated_options_are_collected() -> None:
    found = given(
        "compare", "--scenario", "a", "--scenario", "b", "--scenario-path", "x", "--backend", "jax", "--devices", "2,1"
    )
    assert [found[name][0] for name in ("scenario", "scenario_path", "backend", "devices")] == [
        ("a", "b"), (Path("x"),), ("jax",), (1, 2),
    ]  # fmt: skip


def test_paths_are_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert given("compare")["out"][0] == Path("reports/latest")
    assert given("new-scenario")["folder"][0] == Path("scenarios")
    assert given("compare")["known"][0] is None
    (tmp_path / "known_differences.toml").touch()
    assert given("compare")["known"][0] == Path("known_differences.toml")


@pytest.mark.parametrize("verdict", [one for one in Verdict if one not in (Verdict.IDENTICAL, Verdict.NOT_RUN)])
def test_a_gate_is_a_verdict_written_with_hyphens(verdict: Verdict) -> None:
    for word in (verdict.value, verdict.value.replace(" ", "-")):
        assert given("compare", "--fail-on", word)["fail_on"][0] == verdict.value


@pytest.mark.parametrize("word", ["identical", "not-run", "not run", "designed", "Different", ""])
def test_no_other_word_is_a_gate(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        given("report", "--fail-on", word)
    assert "wanted one of rounding, noise, by-design, inconclusive, different, invalid" in capsys.readouterr().err


def test_without_one_a_report_keeps_the_gate_of_its_plan() -> None:
    assert given("report")["fail_on"][0] is None
    assert dataclasses.fields(CompareOptions) and given("compare")["fail_on"][0] == "different"
